import { endpointText } from "@sluice/maps/address";
import { UNKNOWN } from "@sluice/tunnel";
import type { Check, Finding } from "../finding.js";

/** Pings that may be lost one after the other before a tunnel is called silent. */
const LOST = 3;

/** The far end of a tunnel behind a NAT is known from its pings, and reached while they go on. */
export const pings: Check = {
	name: "pings of tunnels",
	look(world) {
		const tunnels = world.tunnels();
		const unknown = tunnels.filter(([, { remote }]) => remote.equals(UNKNOWN));
		const limit = LOST * world.options.pingInterval;
		const silent = tunnels
			.filter(([, { lastPing }]) => lastPing !== 0n)
			.map(([id, { lastPing }]) => ({
				id,
				age: world.kernel.secondsSince(lastPing),
			}))
			.filter(({ age }) => age > limit)
			.sort((a, b) => b.age - a.age);
		const findings: Finding[] = [];
		const [first] = unknown;
		if (first) {
			const [id, { local, localPort }] = first;
			findings.push({
				code: "remote-unknown",
				message: `the remote of ${tunnelsText(id, unknown.length)} is not known, for no ping has come: packets for it are dropped`,
				question: `does "cli_tunnel ping ${id}" run on the node, and does UDP reach ${endpointText(local, localPort)}?`,
			});
		}
		const [worst] = silent;
		if (worst)
			findings.push({
				code: "ping-old",
				message: `the last ping of ${tunnelsText(worst.id, silent.length)} came ${worst.age.toFixed(1)} s ago, where one is due every ${world.options.pingInterval} s: a NAT on the way may have forgotten it`,
				question: `does "cli_tunnel ping ${worst.id}" run on the node?`,
			});
		return findings;
	},
};

const tunnelsText = (id: number, count: number) =>
	count === 1 ? `tunnel ${id}` : `tunnel ${id} and ${count - 1} more`;
