import type { Config, ConfigKey } from "@sluice/maps/tables";
import { type Direction, directionIndex, flagWords } from "@sluice/maps/tables";
import type { Check, Finding } from "../finding.js";
import { quoted } from "../shell.js";

/** An attached program without a config row passes every packet untouched. */
export const unconfigured: Check = {
	name: "config rows of attached programs",
	async look(world) {
		const rows = world.config();
		// Without any tunnel the set-up has not begun.
		if (world.tunnels().length === 0) return [];
		const findings = new Map<string, Finding>();
		for (const { device, direction } of await world.attached()) {
			const ifindex = world.kernel.interfaceIndex(device);
			const rowOf = (direction: Direction) =>
				rows.find(
					([key]) => key.direction === direction && key.ifindex === ifindex,
				) ??
				rows.find(([key]) => key.direction === direction && key.ifindex === 0);
			if (rowOf(direction) || findings.has(direction)) continue;
			findings.set(direction, {
				code: "config-missing",
				message: `our program is on ${device} ${direction}, but there is no config row for it: packets pass untouched`,
				...configuring(
					direction,
					device,
					rowOf(direction === "ingress" ? "egress" : "ingress"),
				),
			});
		}
		return [...findings.values()];
	},
};

/** The usual row for the other direction: either row shows whether it is a gateway or a node. */
function configuring(
	direction: Direction,
	device: string,
	other: [ConfigKey, Config] | undefined,
): Pick<Finding, "fix" | "question"> {
	const command = (flags: string, id: string | number, name: string) =>
		`cli_cfg set ${other && other[0].ifindex !== 0 ? `${quoted(device)} ` : ""}${directionIndex(direction)} ${id} ${flags} ${quoted(name)}`;
	if (!other)
		return {
			question: `is this the gateway or a node? ${command(direction === "ingress" ? "gue,dnat" : "proxy,snat,fib", 1, "gateway")}, or ${command(direction === "ingress" ? "gue" : "fib", 1, "node")}`,
		};
	const [key, { id, flags, name }] = other;
	const words = flagWords(key.direction, flags);
	if (words.includes("proxy")) return { fix: command("gue,dnat", id, name) };
	if (words.includes("dnat"))
		return { fix: command("proxy,snat,fib", id, name) };
	if (direction === "ingress") return { fix: command("gue", id, name) };
	return {
		question: `do answers go back through the tunnel? ${command("fib", id, name)}, or with snat,fib straight to the client`,
	};
}
