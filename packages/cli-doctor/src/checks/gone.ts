import type { Check } from "../finding.js";

/** The kernel reuses indexes, so such a row may apply to another interface later. */
export const gone: Check = {
	name: "interfaces of config rows",
	look(world) {
		const indexes = new Set(
			world
				.config()
				.map(([{ ifindex }]) => ifindex)
				.filter((ifindex) => ifindex !== 0),
		);
		return [...indexes]
			.filter((ifindex) => world.kernel.interfaceName(ifindex) === undefined)
			.sort((a, b) => a - b)
			.map((ifindex) => ({
				code: "interface-gone",
				message: `there are config rows for interface ${ifindex}, which is gone`,
				fix: `cli_cfg del if${ifindex}`,
			}));
	},
};
