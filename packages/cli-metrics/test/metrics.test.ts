import { withTables } from "@sluice/cli-kit/testing";
import { possibleCpus } from "@sluice/maps";
import { Address } from "@sluice/maps/address";
import {
	eventsLostTable,
	statsRow,
	statsTable,
	type Tunnel,
	trafficTable,
	tunnelTable,
} from "@sluice/maps/tables";
import test from "ava";
import { cli } from "../src/cli.js";
import { metricsOf, pingedAgo, scrape, serving } from "./helpers/serving.js";

const it = withTables(test);

const tunnel = (fields: Partial<Tunnel> = {}): Tunnel => ({
	local: Address.of("10.0.0.1"),
	localPort: 6080,
	remote: Address.of("10.0.0.2"),
	remotePort: 6080,
	lastPing: 0n,
	...fields,
});

const everyCpu = <T>(value: T) => Array(possibleCpus()).fill(value) as T[];

const traffic = (packets: bigint) =>
	everyCpu({ packets, bytes: 100n * packets });

it("the tables are metrics, the CPUs added up", async (t, tables) => {
	const cpus = possibleCpus();
	const tunnels = tables.open(tunnelTable);
	tunnels.set(7, tunnel({ lastPing: pingedAgo(100) }));
	tunnels.set(8, tunnel({ remote: Address.of("::"), remotePort: 0 }));
	const counters = tables.open(trafficTable);
	for (const service of [1, 2])
		counters.set(
			{ tunnel: 7, sid: { service, group: 1 }, direction: "egress" },
			traffic(10n),
		);
	// A tunnel that is gone has had its part in the sum.
	counters.set(
		{ tunnel: 9, sid: { service: 1, group: 1 }, direction: "ingress" },
		traffic(5n),
	);
	tables.open(statsTable).set(statsRow("ingress", "wrong-key"), everyCpu(3n));
	tables
		.open(statsTable)
		.set(statsRow("ingress", "ping-learned"), everyCpu(4n));
	tables
		.open(statsTable)
		.set(statsRow("ingress", "ping-signed-learned"), everyCpu(1n));
	tables.open(eventsLostTable).set(0, everyCpu(2n));

	const metrics = await metricsOf(t, tables);
	const expected = {
		'sluice_packets_total{direction="ingress",outcome="wrong-key",fate="dropped"}':
			3 * cpus,
		'sluice_packets_total{direction="egress",outcome="encapsulated",fate="done"}': 0,
		'sluice_tunnel_packets_total{direction="ingress"}': 5 * cpus,
		'sluice_tunnel_bytes_total{direction="egress"}': 2000 * cpus,
		'sluice_packets_by_tunnel_total{tunnel="7",direction="egress"}': 20 * cpus,
		'sluice_bytes_by_tunnel_total{tunnel="8",direction="ingress"}': 0,
		sluice_tunnels: 2,
		sluice_tunnels_without_remote: 1,
		sluice_tunnels_omitted: 0,
		'sluice_tunnels_pinged{within="60"}': 0,
		'sluice_tunnels_pinged{within="300"}': 1,
		'sluice_tunnels_pinged{within="+Inf"}': 1,
		'sluice_table_entries{table="map_tunnel"}': 2,
		'sluice_table_entries{table="map_tunnel_stats"}': 3,
		'sluice_table_entries{table="map_nat"}': 0,
		'sluice_table_capacity{table="map_tunnel"}': 1024,
		'sluice_table_capacity{table="map_nat"}': 2048,
		sluice_events_lost_total: 2 * cpus,
		sluice_remotes_moved_total: 5 * cpus,
		sluice_doctor_ran: 0,
	};
	for (const [name, value] of Object.entries(expected))
		t.is(metrics.get(name), value, name);
	const age = metrics.get('sluice_tunnel_last_ping_age_seconds{tunnel="7"}');
	t.true(age !== undefined && age >= 99.98);
	t.false(metrics.has('sluice_tunnel_last_ping_age_seconds{tunnel="8"}'));
});

it("moved remotes are counted for each tunnel", async (t, tables) => {
	const tunnels = tables.open(tunnelTable);
	tunnels.set(7, tunnel());
	tunnels.set(8, tunnel({ remote: Address.of("::"), remotePort: 0 }));
	const address = await serving(t, tables);
	const moves = async () => {
		const metrics = await scrape(t, address);
		return [7, 8, 9].map((id) =>
			metrics.get(`sluice_remote_moves_by_tunnel_total{tunnel="${id}"}`),
		);
	};
	t.deepEqual(await moves(), [0, 0, undefined]);
	tunnels.set(7, tunnel({ remotePort: 6090 }));
	tunnels.set(8, tunnel());
	tunnels.set(9, tunnel());
	t.deepEqual(await moves(), [1, 1, 0]);
	tunnels.set(7, tunnel({ remote: Address.of("10.0.0.3") }));
	tunnels.delete(9);
	t.deepEqual(await moves(), [2, 1, undefined]);
});

it("more tunnels than --tunnels have sums alone", async (t, tables) => {
	tables
		.open(tunnelTable)
		.setMany(Array.from({ length: 20 }, (_, id) => [id, tunnel()] as const));
	const names = async (limit: string) => [
		...(await metricsOf(t, tables, ["--tunnels", limit])).keys(),
	];
	const ofTunnels = (list: string[]) =>
		list.filter((name) => name.includes('{tunnel="')).length;
	t.is(ofTunnels(await names("20")), 100);
	t.is(ofTunnels(await names("19")), 0);
	const metrics = await metricsOf(t, tables, ["--tunnels", "0"]);
	t.is(metrics.get("sluice_tunnels_omitted"), 20);
	t.is(metrics.get("sluice_tunnels"), 20);
});

it("serve refuses to start without tables, and a wrong address", async (t, tables) => {
	t.deepEqual(await tables.run(cli, "serve 127.0.0.1 0 --bpffs /nowhere"), {
		code: 4,
		out: "",
		err: "cli_metrics: serve: no bpffs at /nowhere; mount it (mount -t bpf -o mode=0700 bpf /nowhere), or name another bpffs with --bpffs\n",
	});
	t.deepEqual(await tables.run(cli, "serve 127.0.0.256 0"), {
		code: 2,
		out: "",
		err: 'cli_metrics: serve: address must be an IP address or a host name, got "127.0.0.256"\n',
	});
});
