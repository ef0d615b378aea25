import { directions, type Outcome } from "@sluice/maps/tables";
import type { Finding, Readings, TunnelReading } from "@sluice/overview";
import { Counter, Gauge, Registry } from "prom-client";
import manifest from "../package.json" with { type: "json" };

/** Seconds by which tunnels are grouped: those that were pinged within so many. */
const PING_AGES = [30, 60, 300, 3600];

interface Sources {
	/** Reads the tables. What it throws fails the request. */
	read(): Readings;
	/** Of cli_doctor, when it last ran; undefined: it has not. */
	findings(): readonly Finding[] | undefined;
	/** How often a tunnel's remote has moved, as the readings show. */
	remoteMoves(id: number): number;
}

/**
 * The tables as Prometheus metrics, read anew for each request.
 * @param mostTunnels above so many, tunnels have no series of their own
 */
export function collector(sources: Sources, mostTunnels: number): Registry {
	const registry = new Registry();
	new Gauge({
		registers: [registry],
		name: "sluice_build_info",
		help: "Version of this program and of Node",
		labelNames: ["version", "nodeversion"],
		// The first collected metric fills the others.
		collect() {
			const readings = sources.read();
			for (const metric of Object.values(all)) metric.reset();
			fill(all, readings);
			fillFindings(all, sources.findings());
			const own =
				readings.tunnels.length <= mostTunnels ? readings.tunnels : [];
			for (const tunnel of own) {
				fillTunnel(all, tunnel);
				all.movesByTunnel.inc(
					{ tunnel: tunnel.id },
					sources.remoteMoves(tunnel.id),
				);
			}
			all.omitted.set(readings.tunnels.length - own.length);
		},
	}).set({ version: manifest.version, nodeversion: process.version }, 1);
	const all = metrics(registry);
	return registry;
}

/** Outcomes of pings that moved a remote. */
const learned: ReadonlySet<Outcome> = new Set([
	"ping-learned",
	"ping-signed-learned",
]);

type Metrics = ReturnType<typeof metrics>;

function metrics(registry: Registry) {
	const counter = (name: string, help: string, labelNames: string[]) =>
		new Counter({ registers: [registry], name, help, labelNames });
	const gauge = (name: string, help: string, labelNames: string[] = []) =>
		new Gauge({ registers: [registry], name, help, labelNames });
	return {
		packets: counter(
			"sluice_packets_total",
			"Packets by what became of them: passed on untouched, done, taken in or dropped",
			["direction", "outcome", "fate"],
		),
		tunnelPackets: counter(
			"sluice_tunnel_packets_total",
			"Packets out of (ingress) and into (egress) all tunnels",
			["direction"],
		),
		tunnelBytes: counter(
			"sluice_tunnel_bytes_total",
			"Bytes of the inner packets, out of (ingress) and into (egress) all tunnels",
			["direction"],
		),
		packetsByTunnel: counter(
			"sluice_packets_by_tunnel_total",
			"Packets out of (ingress) and into (egress) a tunnel",
			["tunnel", "direction"],
		),
		bytesByTunnel: counter(
			"sluice_bytes_by_tunnel_total",
			"Bytes of the inner packets, out of (ingress) and into (egress) a tunnel",
			["tunnel", "direction"],
		),
		pingAge: gauge(
			"sluice_tunnel_last_ping_age_seconds",
			"Time since a tunnel's last ping; none for a tunnel without one",
			["tunnel"],
		),
		tunnels: gauge("sluice_tunnels", "Tunnels that are set"),
		unresolved: gauge(
			"sluice_tunnels_without_remote",
			"Tunnels whose far end is not known yet",
		),
		pinged: gauge(
			"sluice_tunnels_pinged",
			"Tunnels whose last ping is at most so many seconds old; +Inf: any ping",
			["within"],
		),
		omitted: gauge(
			"sluice_tunnels_omitted",
			"Tunnels that have no series of their own, because there are too many",
		),
		entries: gauge("sluice_table_entries", "Entries of a table", ["table"]),
		capacity: gauge("sluice_table_capacity", "Entries that fit into a table", [
			"table",
		]),
		remotesMoved: counter(
			"sluice_remotes_moved_total",
			"Pings that gave a tunnel another remote, or its first",
			[],
		),
		movesByTunnel: counter(
			"sluice_remote_moves_by_tunnel_total",
			"Times that a tunnel had another remote than at the reading before, or its first, since this program was started",
			["tunnel"],
		),
		findings: gauge(
			"sluice_findings",
			"Findings of cli_doctor, when it last ran, by code",
			["code"],
		),
		diagnosed: gauge(
			"sluice_doctor_ran",
			"1 where cli_doctor has run and its findings are known",
		),
		eventsLost: counter(
			"sluice_events_lost_total",
			"Captured packets that found no room in the ring buffer",
			[],
		),
	};
}

function fill(all: Metrics, readings: Readings): void {
	for (const { packets, ...labels } of readings.outcomes)
		all.packets.inc(labels, Number(packets));
	all.remotesMoved.inc(
		readings.outcomes
			.filter(({ outcome }) => learned.has(outcome))
			.reduce((sum, { packets }) => sum + Number(packets), 0),
	);
	for (const direction of directions) {
		const { packets, bytes } = readings.traffic[direction];
		all.tunnelPackets.inc({ direction }, Number(packets));
		all.tunnelBytes.inc({ direction }, Number(bytes));
	}
	const { tunnels } = readings;
	all.tunnels.set(tunnels.length);
	all.unresolved.set(
		tunnels.filter(({ remote }) => remote === undefined).length,
	);
	for (const within of [...PING_AGES, Number.POSITIVE_INFINITY])
		all.pinged.set(
			{ within: within === Number.POSITIVE_INFINITY ? "+Inf" : within },
			tunnels.filter(
				({ pingAge }) => pingAge !== undefined && pingAge <= within,
			).length,
		);
	for (const { name, entries, capacity } of readings.tables) {
		all.entries.set({ table: name }, entries);
		all.capacity.set({ table: name }, capacity);
	}
	all.eventsLost.inc(Number(readings.eventsLost));
}

function fillFindings(
	all: Metrics,
	findings: readonly Finding[] | undefined,
): void {
	all.diagnosed.set(findings ? 1 : 0);
	for (const { code } of findings ?? []) all.findings.inc({ code });
}

function fillTunnel(
	all: Metrics,
	{ id, pingAge, traffic }: TunnelReading,
): void {
	if (pingAge !== undefined) all.pingAge.set({ tunnel: id }, pingAge);
	for (const direction of directions) {
		const labels = { tunnel: id, direction };
		all.packetsByTunnel.inc(labels, Number(traffic[direction].packets));
		all.bytesByTunnel.inc(labels, Number(traffic[direction].bytes));
	}
}
