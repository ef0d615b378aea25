import { readFileSync } from "node:fs";
import { ask, type Route } from "@sluice/iproute";
import type { Check } from "../finding.js";
import { needed, type World } from "../world.js";

const STRICT = 1;
/** The number of backends whose reverse route is checked: most are in few networks. */
const SAMPLE = 64;

/**
 * A decapsulated packet seems to come in by the tunnel's interface: where its sender is reached by another one, a
 * strict reverse path filter drops it without a word.
 */
export const rpFilter: Check = {
	name: "rp_filter",
	async look(world) {
		const devices = new Set(
			(await world.attached())
				.filter(({ direction }) => direction === "ingress")
				.map(({ device }) => device),
		);
		const strict = [...devices].filter((device) => inEffect(device) === STRICT);
		if (strict.length === 0) return [];
		const back = await waysBack(world);
		return strict.flatMap((device) => {
			const elsewhere = back.find((way) => !way.devices.includes(device));
			if (!elsewhere) return [];
			const message = `rp_filter is strict on ${device}: it drops what the tunnel brings from ${elsewhere.from}, which is not reached by ${device}`;
			return [
				elsewhere.devices.length > 0
					? {
							code: "rp-filter",
							message,
							fix: `sysctl -w net/ipv4/conf/${device}/rp_filter=2`,
						}
					: {
							code: "rp-filter",
							message,
							question: `there is no route to ${elsewhere.from} at all: ip route replace default via ROUTER dev ${device}`,
						},
			];
		});
	},
};

/** The kernel takes the larger one. */
const inEffect = (device: string) => Math.max(...["all", device].map(setting));

function setting(scope: string): number {
	try {
		return Number(
			readFileSync(`/proc/sys/net/ipv4/conf/${scope}/rp_filter`, "utf8"),
		);
	} catch {
		return 0;
	}
}

interface WayBack {
	from: string;
	devices: string[];
}

/** To whom the tunnel's packets claim to belong, and by which interfaces they are reached. */
async function waysBack(world: World): Promise<WayBack[]> {
	if (!world.isGateway)
		return [{ from: "clients", devices: await routed("show", "default") }];
	const backends = new Set(
		world
			.services()
			.map(([, { backend }]) => backend.address)
			.filter((address) => address.isIpv4)
			.map(String),
	);
	return Promise.all(
		[...backends].slice(0, SAMPLE).map(async (from) => ({
			from: `backend ${from}`,
			devices: await routed("get", from),
		})),
	);
}

async function routed(...words: string[]): Promise<string[]> {
	const answer = await needed(ask<Route>("ip", "-4", "route", ...words));
	if (!("rows" in answer)) return [];
	return answer.rows.flatMap(({ dev }) => (dev ? [dev] : []));
}
