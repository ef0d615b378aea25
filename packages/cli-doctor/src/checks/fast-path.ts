import { flagWords, queues } from "@sluice/maps/tables";
import type { Check } from "../finding.js";
import { type Chain, ruleset } from "../firewall/ruleset.js";
import { quoted } from "../shell.js";

/** The hooks that a forwarded packet passes on the normal path. */
const passed = ["prerouting", "forward", "postrouting"];

/** A firewall does not see packets on the fast path. */
export const fastPath: Check = {
	name: "fast path",
	async look(world) {
		const row = world
			.config()
			.find(
				([{ queue }, { flags }]) =>
					queue === queues.ingress && flagWords(queue, flags).includes("fast"),
			);
		if (!row) return [];
		const [{ ifindex, queue }, { id, flags, name }] = row;
		const device = (await world.interfaces()).find(
			(one) => one.ifindex === ifindex,
		);
		const words = flagWords(queue, flags).filter((word) => word !== "fast");
		const command = `cli_cfg set ${device ? `${quoted(device.ifname)} ` : ""}${queue} ${id} ${words} ${quoted(name)}`;
		const chains = ((await ruleset()) ?? []).filter(decides);
		if (chains.length === 0) return [];
		const names = chains.map(
			({ family, table, name }) => `${family} ${table} ${name}`,
		);
		return [
			{
				code: "fast-firewall",
				message: `the flag fast is set, and the firewall has chains that packets on the fast path do not pass: ${names.join(", ")}`,
				question: `must these chains see the traffic of services? Then take the flag away: ${command}`,
			},
		];
	},
};

/** Whether a chain can make a difference. */
const decides = ({ hook, policy, rules }: Chain) =>
	hook !== undefined &&
	passed.includes(hook) &&
	(policy === "drop" || rules.length > 0);
