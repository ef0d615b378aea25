import { flagWords } from "@sluice/maps/tables";
import type { Check, Finding } from "../finding.js";
import { type Chain, ruleset } from "../firewall/ruleset.js";
import { quoted } from "../shell.js";
import { CannotLook } from "../world.js";

/** The hooks of a forwarded packet between our ingress program and its output, which is the same on both paths. */
const passed = ["ingress", "prerouting", "forward", "postrouting"];

/** A firewall does not see packets on the fast path. */
export const fastPath: Check = {
	name: "fast path",
	async look(world) {
		const rows = world
			.config()
			.filter(
				([{ direction }, { flags }]) =>
					direction === "ingress" &&
					flagWords(direction, flags).includes("fast"),
			);
		if (rows.length === 0) return [];
		const chains = await ruleset();
		if (!chains) throw new CannotLook("no nft");
		// nft 1.0.6 does not print the interface of an ingress chain: each is listed.
		const names = chains
			.filter(decides)
			.map(({ family, table, name }) => `${family} ${table} ${name}`)
			.join(", ");
		if (names === "") return [];
		const interfaces = await world.interfaces();
		return rows.flatMap(([{ ifindex }]): Finding[] => {
			const device = interfaces.find((one) => one.ifindex === ifindex)?.ifname;
			// Rows of deleted interfaces are another finding.
			if (ifindex !== 0 && device === undefined) return [];
			const words = device === undefined ? "" : `${quoted(device)} `;
			return [
				{
					code: "fast-firewall",
					message: `the flag fast is set for ${device ?? "every interface"}, and the firewall has chains that packets on the fast path do not pass: ${names}`,
					question: `must these chains see the traffic of services? cli_cfg set ${words}0 -fast`,
				},
			];
		});
	},
};

/** Whether a chain can make a difference. */
const decides = ({ hook, policy, rules }: Chain) =>
	hook !== undefined &&
	passed.includes(hook) &&
	(policy === "drop" || rules.length > 0);
