import { isIPv6 } from "node:net";
import { deviceFor } from "../device-for.js";
import type { Check } from "../finding.js";
import { waysToRemotes } from "../ways.js";

/** Without a route to the remote, nothing of the tunnel leaves. */
export const route: Check = {
	name: "routes to remotes",
	async look(world) {
		const ways = await waysToRemotes(world);
		const dead = ways.filter(({ route }) => "failed" in route);
		return Promise.all(
			dead.map(async ({ remote, local, tunnel, route }) => {
				const why = "failed" in route ? route.failed : "";
				const device = await deviceFor(world, local);
				return {
					code: "route-missing",
					message: `no route to ${remote}, the remote of tunnel ${tunnel}: ${why}`,
					fix: `ip route replace ${remote}/${isIPv6(remote) ? 128 : 32} dev ${device}`,
				};
			}),
		);
	},
};
