import { isIPv6 } from "node:net";
import { deviceFor } from "../device-for.js";
import type { Check, Finding } from "../finding.js";
import { isInPrefix } from "../prefix.js";
import { quoted } from "../shell.js";
import { waysToRemotes } from "../ways.js";
import type { World } from "../world.js";

/** Without a route to the remote, nothing of the tunnel leaves. */
export const route: Check = {
	name: "routes to remotes",
	async look(world) {
		const ways = await waysToRemotes(world);
		const dead = ways.filter(({ route }) => "failed" in route);
		return Promise.all(
			dead.map(async ({ remote, local, tunnel, route }) => {
				const why = "failed" in route ? route.failed : "";
				return {
					code: "route-missing",
					message: `no route to ${remote}, the remote of tunnel ${tunnel}: ${why}`,
					...(await routing(world, String(remote), String(local))),
				};
			}),
		);
	},
};

/** An address of a prefix that an interface has is on that link; which router leads to any other is not known here. */
async function routing(
	world: World,
	remote: string,
	local: string,
): Promise<Pick<Finding, "fix" | "question">> {
	const to = `${remote}/${isIPv6(remote) ? 128 : 32}`;
	const connected = (await world.interfaces()).find(({ addr_info }) =>
		addr_info.some((own) => isInPrefix(remote, own.local, own.prefixlen)),
	);
	if (connected && connected.ifname !== "lo")
		return { fix: `ip route replace ${to} dev ${quoted(connected.ifname)}` };
	const device = quoted((await deviceFor(world, local)) ?? "INTERFACE");
	return {
		question: `which router leads there? ip route replace default via ROUTER dev ${device}`,
	};
}
