import type { Check } from "../finding.js";

/** The kernel gives an index again, so such a row is one day another interface's. */
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
