import { Failure } from "@sluice/cli-kit";
import { ask, type Interface, type Route } from "@sluice/iproute";
import { LEAST_ANSWERED } from "@sluice/tunnel/wire";
import type { Exchange } from "./exchange.js";
import { SizeSearch } from "./size-search.js";
import type { Target } from "./targets.js";

const UDP_HEADER = 8;

/** By family: bytes of the IP header, and the minimum MTU, as in bpf/tunnel/path_mtu.h. */
const families = { 4: [20, 576], 6: [40, 1280] } as const;

/**
 * Measures the MTU of the path to a far end with padded pings, whose answers have the same length: the smaller
 * one of the two directions. No ICMP error needs to come back.
 *
 * @returns `mtu` bytes of the largest outer packet, from its IP header on, that gets through; `most` the link's own MTU
 * @throws Failure the link's MTU is not known, or a ping cannot leave
 */
export async function measurePathMtu(
	exchange: Exchange,
	target: Target,
): Promise<{ mtu: number; most: number }> {
	const [header, least] = families[target.tunnel.remote.isIpv4 ? 4 : 6];
	const overhead = header + UDP_HEADER;
	const most = await linkMtu(target);
	const search = new SizeSearch(least, most);
	for (let sizes = search.step(); sizes.length > 0; sizes = search.step()) {
		const gotThrough = new Set<number>();
		const replies: Promise<void>[] = [];
		for (const size of sizes) {
			const { reply } = await exchange.send(target, {
				size: Math.max(size - overhead, LEAST_ANSWERED),
			});
			replies.push(
				reply.then((answered) => void (answered && gotThrough.add(size))),
			);
		}
		await Promise.all(replies);
		search.end(sizes, gotThrough);
	}
	return { mtu: search.found, most };
}

/** The MTU of the link by which packets to the far end leave. */
async function linkMtu({ tunnel }: Target): Promise<number> {
	const [remote, local] = [String(tunnel.remote), String(tunnel.local)];
	const route = await ask<Route>("ip", "route", "get", remote, "from", local);
	const dev = "rows" in route ? route.rows[0]?.dev : undefined;
	const link =
		dev === undefined
			? route
			: await ask<Interface>("ip", "link", "show", "dev", dev);
	const mtu =
		"rows" in link ? (link.rows[0] as Interface | undefined)?.mtu : undefined;
	if (mtu === undefined)
		throw new Failure("failed", `no route to ${remote}`, {
			...("failed" in link ? { cause: new Error(link.failed) } : {}),
		});
	return mtu;
}
