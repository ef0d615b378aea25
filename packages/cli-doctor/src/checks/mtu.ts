import { isIPv6 } from "node:net";
import type { Route } from "@sluice/iproute";
import type { Address } from "@sluice/maps/address";
import type { Check, Finding } from "../finding.js";
import { quoted } from "../shell.js";
import { waysToRemotes } from "../ways.js";

/** What every link that carries IPv6 must take (RFC 8200). */
const SMALLEST_INNER = 1280;
const USUAL = 1500;
/** IP, UDP, GUE, sid and key. */
const overhead = (remote: Address) => (remote.isIpv4 ? 52 : 72);

/** Packets that do not fit are answered, but no answer makes a packet smaller than this. */
export const mtu: Check = {
	name: "MTU to remotes",
	async look(world) {
		const interfaces = await world.interfaces();
		const findings = new Map<string, Finding>();
		for (const { remote, tunnel, route } of await waysToRemotes(world)) {
			const [row] = "rows" in route ? route.rows : [];
			if (!row?.dev) continue;
			const link = interfaces.find(({ ifname }) => ifname === row.dev)?.mtu;
			const ofRoute = row.metrics?.find((metric) => metric.mtu)?.mtu;
			const size = Math.min(link ?? USUAL, ofRoute ?? USUAL);
			const needed = SMALLEST_INNER + overhead(remote);
			if (size >= needed) continue;
			const fix =
				size === link
					? `ip link set dev ${quoted(row.dev)} mtu ${USUAL}`
					: `ip route flush cache && ${withoutMtu(row)}`;
			findings.set(fix, {
				code: "mtu-small",
				message: `packets to ${remote}, the remote of tunnel ${tunnel}, may have ${size} bytes; the tunnel takes ${needed}`,
				fix,
			});
		}
		return [...findings.values()];
	},
};

/** The route as it is, but for its MTU. */
function withoutMtu({ dst, dev, gateway, via }: Route): string {
	const next = gateway ?? via?.host;
	const to = `${dst}/${isIPv6(dst) ? 128 : 32}`;
	return `ip route replace ${to}${next ? ` via ${next}` : ""} dev ${quoted(dev ?? "")}`;
}
