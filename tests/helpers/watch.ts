import type { Host } from "@sluice/testbed";
import { addresses } from "./network.js";

const { proxy, node, client } = addresses[4];

/**
 * Counts packets of the services on ports 70, 71 and 90 that cross the core without the tunnel.
 * @returns reads the counters: to the backend, and to the client
 */
export async function watchCore(core: Host) {
	await core.run("nft", ["-f", "-"], {
		input: `table ip watch {
			chain forward {
				type filter hook forward priority 0
				ip daddr { ${proxy}, ${node} } th dport { 70, 71, 90 } counter
				ip saddr ${node} ip daddr ${client} counter
			}
		}`,
	});
	return async () => {
		const { stdout } = await core.run("nft", ["list", "table", "ip", "watch"]);
		return [...stdout.matchAll(/counter packets (\d+)/g)].map(([, n]) =>
			Number(n),
		);
	};
}
