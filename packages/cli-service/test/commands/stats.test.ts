import { session, withTables } from "@sluice/cli-kit/testing";
import { possibleCpus } from "@sluice/maps";
import { type Direction, trafficTable } from "@sluice/maps/tables";
import test from "ava";
import { cli } from "../../src/cli.js";

const it = withTables(test);

/** So much on the first CPU. */
const firstCpu = (packets: number) =>
	Array.from({ length: possibleCpus() }, (_, cpu) => ({
		packets: cpu === 0 ? BigInt(packets) : 0n,
		bytes: cpu === 0 ? BigInt(100 * packets) : 0n,
	}));

const key = (service: number, tunnel: number, direction: Direction) => ({
	tunnel,
	sid: { service, group: 1 },
	direction,
});

const input = [1, 2]
	.map((id) => `set ${id} 1 tcp 5.0.0.${id} 80 1.0.0.${id} 80 100 key\n`)
	.join("");

it("stats adds up the tunnels of each service", async (t, tables) => {
	const traffic = tables.open(trafficTable);
	await tables.run(cli, "batch -", { input });
	traffic.set(key(1, 100, "ingress"), firstCpu(3));
	traffic.set(key(1, 7, "ingress"), firstCpu(4));
	traffic.set(key(1, 7, "egress"), firstCpu(1));
	traffic.set(key(9, 7, "egress"), firstCpu(1));
	await session(t, tables, cli, [
		{
			type: "stats",
			out: [
				"service  group  packets in  bytes in  packets out  bytes out",
				"      1      1           7       700            1        100",
				"      2      1           0         0            0          0",
				"2 services",
				"",
			].join("\n"),
		},
		{
			type: "stats 1 1 --json",
			out: '{"services":[{"service":1,"group":1,"ingress":{"packets":7,"bytes":700},"egress":{"packets":1,"bytes":100}}]}\n',
		},
		{
			type: "stats 9 1",
			code: 3,
			err: "cli_service: stats: no service 9 1\n",
		},
		{
			type: "stats 9",
			code: 2,
			err: "cli_service: stats: missing: <group-id>\nusage: cli_service stats [all] | cli_service stats <service-id> <group-id> [--watch] [--interval <interval>] [--count <count>]\n",
		},
		{
			type: "stats --interval 5",
			code: 2,
			err: "cli_service: stats: --interval goes with --watch\n",
		},
		{
			type: "stats --watch --interval 0",
			code: 2,
			err: 'cli_service: stats: interval must be a number of seconds from 0.01 to 86400, got "0"\n',
		},
	]);
});

it("stats --watch prints the rates of what moves, each interval on a line", async (t, tables) => {
	const traffic = tables.open(trafficTable);
	await tables.run(cli, "batch -", { input });
	traffic.set(key(1, 100, "ingress"), firstCpu(1000));
	let looks = 0;
	let lastChange: string | undefined;
	const { code } = await tables.run(
		cli,
		"stats --watch --interval 0.05 --count 3 --json",
		{
			out(text) {
				const { seconds, services } = JSON.parse(text);
				looks++;
				t.true(seconds >= 0.04);
				if (looks === 1) {
					t.deepEqual(services, []);
					traffic.set(key(2, 100, "egress"), firstCpu(500));
					return;
				}
				const [{ perSecond, changed, ...row }] = services;
				// It stays when it has stopped.
				if (looks === 3) {
					t.is(perSecond.packetsOut, 0);
					t.is(changed, lastChange);
					return;
				}
				lastChange = changed;
				t.deepEqual(row, {
					service: 2,
					group: 1,
					ingress: { packets: 0, bytes: 0 },
					egress: { packets: 500, bytes: 50_000 },
				});
				t.is(perSecond.packetsIn, 0);
				// Both were rounded: the rate to a tenth, the time to a millisecond.
				t.true(Math.abs(perSecond.packetsOut * seconds - 500) < 15);
				t.true(perSecond.bytesOut > 90 * perSecond.packetsOut);
				t.is(services.length, 1);
			},
		},
	);
	t.is(looks, 3);
	t.is(code, 0);
});

it("stats --watch of one service shows it though it does not move", async (t, tables) => {
	await tables.run(cli, "batch -", { input });
	await session(t, tables, cli, [
		{
			type: "stats 1 1 --watch --interval 0.01 --count 2",
			out: `${[
				"service  group  packets in  bytes in  packets out  bytes out  packets/s in  bytes/s in  packets/s out  bytes/s out  last change",
				"      1      1           0         0            0          0             0           0              0            0            -",
				"",
				"",
			]
				.join("\n")
				.repeat(2)}`,
		},
	]);
});
