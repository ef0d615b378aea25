import { type Direction, protocolName } from "@sluice/maps/tables";
import { rankOfSid, type TwoWayTraffic } from "@sluice/tunnel";
import type { Diagnosis, Finding } from "./diagnosis.js";
import type { DropCount, History } from "./history.js";
import type { Hooks } from "./hooks.js";

/** Packets and bytes in a second: in is out of the tunnel, out is into it. */
export interface Rates {
	packetsIn: number;
	bytesIn: number;
	packetsOut: number;
	bytesOut: number;
}

/** A tunnel with its far end and traffic. */
export interface TunnelRow {
	id: number;
	local: string;
	/** null until it is known. */
	remote: string | null;
	/** It is the source of the last ping. */
	learned: boolean;
	/** Seconds; null: no ping yet. */
	lastPingAge: number | null;
	perSecond: Rates;
}

export interface ServiceRow {
	service: number;
	group: number;
	protocol: string;
	proxy: { address: string; port: number };
	backend: { address: string; port: number };
	tunnel: number;
	perSecond: Rates;
}

/** A machine at one look. */
export interface Overview extends Hooks {
	/** ISO 8601 in UTC. */
	time: string;
	/** What rates are over. */
	seconds: number;
	/** The most active first; a large machine's others are counted. */
	tunnels: TunnelRow[];
	tunnelsOmitted: number;
	services: ServiceRow[];
	servicesOmitted: number;
	/** By our programs. */
	drops: {
		/** At most 60. */
		seconds: number;
		/** In that time. */
		counts: DropCount[];
		/** Since the counters began. */
		totals: DropCount[];
	};
	/** null: not known yet, or cli_doctor did not run. */
	findings: Finding[] | null;
	/** Why it did not. */
	doctorFailed: string | null;
}

/**
 * @param most rows of tunnels and of services
 */
export function overviewOf(
	history: History,
	hooks: Hooks,
	diagnosis: Diagnosis | undefined,
	most = 100,
): Overview {
	const { readings, before, seconds } = history;
	const old = {
		tunnels: new Map(before.tunnels.map(({ id, traffic }) => [id, traffic])),
		services: new Map(
			before.services.map((row) => [rankOfSid(row), row.traffic]),
		),
	};
	const tunnels = readings.tunnels.map(
		({ id, local, remote, learned, pingAge, traffic }): TunnelRow => ({
			id,
			local,
			remote: remote ?? null,
			learned,
			lastPingAge:
				pingAge === undefined ? null : Math.round(1000 * pingAge) / 1000,
			perSecond: ratesOf(old.tunnels.get(id), traffic, seconds),
		}),
	);
	const services = readings.services.map(
		(row): ServiceRow => ({
			service: row.service,
			group: row.group,
			protocol: protocolName(row.proxy.proto),
			proxy: { address: String(row.proxy.address), port: row.proxy.port },
			backend: { address: String(row.backend.address), port: row.backend.port },
			tunnel: row.tunnel,
			perSecond: ratesOf(
				old.services.get(rankOfSid(row)),
				row.traffic,
				seconds,
			),
		}),
	);
	tunnels.sort((a, b) => activity(b) - activity(a) || a.id - b.id);
	services.sort(
		(a, b) => activity(b) - activity(a) || rankOfSid(a) - rankOfSid(b),
	);
	const drops = history.drops();
	return {
		time: new Date().toISOString(),
		...hooks,
		seconds: tenth(seconds),
		tunnels: tunnels.slice(0, most),
		tunnelsOmitted: Math.max(tunnels.length - most, 0),
		services: services.slice(0, most),
		servicesOmitted: Math.max(services.length - most, 0),
		drops: { ...drops, seconds: tenth(drops.seconds) },
		findings: diagnosis?.findings ?? null,
		doctorFailed: diagnosis?.failed ?? null,
	};
}

const tenth = (value: number) => Math.round(10 * value) / 10;

const activity = ({ perSecond }: { perSecond: Rates }) =>
	perSecond.packetsIn + perSecond.packetsOut;

/** Counters that were deleted begin at 0 again. */
function ratesOf(
	before: TwoWayTraffic | undefined,
	now: TwoWayTraffic,
	seconds: number,
): Rates {
	const rate = (direction: Direction, counter: "packets" | "bytes") => {
		const to = now[direction][counter];
		const from = before?.[direction][counter] ?? 0n;
		if (seconds === 0) return 0;
		return tenth(Number(to - (from > to ? 0n : from)) / seconds);
	};
	return {
		packetsIn: rate("ingress", "packets"),
		bytesIn: rate("ingress", "bytes"),
		packetsOut: rate("egress", "packets"),
		bytesOut: rate("egress", "bytes"),
	};
}
