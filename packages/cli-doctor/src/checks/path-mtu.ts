import { isIPv6 } from "node:net";
import type { Route } from "@sluice/iproute";
import { execa } from "execa";
import type { Check, Finding } from "../finding.js";
import { quoted } from "../shell.js";
import { waysToRemotes } from "../ways.js";

/** Remotes that are pinged, all at once. */
const MOST = 8;
/** Sizes that are tried if routers on the path report no MTU, in bytes. */
const SIZES = [1492, 1480, 1460, 1450, 1440, 1420, 1400, 1380, 1360, 1280];

/**
 * A router on the path with a smaller MTU answers the outer packet with ICMP. No socket has sent it, so the kernel does
 * not store the path MTU; a route can. Only remotes that answer pings are looked at.
 */
export const pathMtu: Check = {
	name: "path MTU to remotes",
	async look(world) {
		const interfaces = await world.interfaces();
		const ways = (await waysToRemotes(world)).slice(0, MOST);
		const findings = await Promise.all(
			ways.map(async ({ remote: end, tunnel, route }): Promise<Finding[]> => {
				const remote = String(end);
				const [row] = "rows" in route ? route.rows : [];
				if (!row?.dev || row.type === "local") return [];
				const link = interfaces.find(({ ifname }) => ifname === row.dev)?.mtu;
				const ofRoute = row.metrics?.find(({ mtu }) => mtu)?.mtu;
				const size = Math.min(link ?? 1500, ofRoute ?? 65_535, 1500);
				const fits = await largest(remote, size);
				if (fits === undefined || fits >= size) return [];
				return [
					{
						code: "path-mtu-small",
						message: `packets of ${size} bytes do not reach ${remote}, the remote of tunnel ${tunnel}; those of ${fits} do`,
						fix: locked(row, remote, fits),
					},
				];
			}),
		);
		return findings.flat();
	},
};

/** The largest packet that is answered, of those not larger than `size`; undefined where not even a small one is. */
async function largest(
	remote: string,
	size: number,
): Promise<number | undefined> {
	if (!(await fits(remote, 100)).answered) return undefined;
	const first = await fits(remote, size);
	if (first.answered) return size;
	if (first.mtu && first.mtu < size) return first.mtu;
	for (const smaller of SIZES.filter((one) => one < size)) {
		const { answered, mtu } = await fits(remote, smaller);
		if (answered) return smaller;
		if (mtu && mtu < smaller) return mtu;
	}
	return undefined;
}

/** Pings with a packet of that many bytes, which may not be fragmented. */
async function fits(
	remote: string,
	size: number,
): Promise<{ answered: boolean; mtu?: number }> {
	const headers = isIPv6(remote) ? 48 : 28;
	const { exitCode, stdout, stderr } = await execa(
		"ping",
		["-n", "-c1", "-W1", "-M", "do", "-s", String(size - headers), remote],
		{ reject: false, env: { LC_ALL: "C" } },
	);
	const reported = /mtu ?= ?(\d+)/i.exec(`${stdout}\n${stderr}`)?.[1];
	return {
		answered: exitCode === 0,
		...(reported && { mtu: Number(reported) }),
	};
}

/** The route as it is, with an MTU that the kernel does not change. */
function locked({ dev, gateway, via }: Route, remote: string, mtu: number) {
	const next = gateway ?? via?.host;
	return `ip route replace ${remote}/${isIPv6(remote) ? 128 : 32}${next ? ` via ${next}` : ""} dev ${quoted(dev ?? "")} mtu lock ${mtu}`;
}
