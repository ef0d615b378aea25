import type { Host } from "@sluice/testbed";
import { addresses } from "./network.js";

const { node: backend } = addresses[4];

/** Counts packets from or to the backend itself, by UDP, that are not the tunnel's. */
export async function inClear(host: Host): Promise<() => Promise<number>> {
	await host.run("nft", ["-f", "-"], {
		input: `table ip clear {
			chain seen {
				type filter hook prerouting priority -300
				ip daddr ${backend} udp dport != 6080 counter
				ip saddr ${backend} udp sport != 6080 counter
			}
		}`,
	});
	return async () => {
		const { stdout } = await host.run("nft", ["list", "table", "ip", "clear"]);
		return [...stdout.matchAll(/packets (\d+)/g)].reduce(
			(sum, [, packets]) => sum + Number(packets),
			0,
		);
	};
}
