import { session, withTables } from "@sluice/cli-kit/testing";
import { possibleCpus } from "@sluice/maps";
import { trafficTable } from "@sluice/maps/tables";
import test from "ava";
import { cli } from "../../src/cli.js";

const it = withTables(test);

const everyCpu = (packets: bigint, bytes: bigint) =>
	Array.from({ length: possibleCpus() }, () => ({ packets, bytes }));

it("stats adds up the services and CPUs of each tunnel", async (t, tables) => {
	const cpus = possibleCpus();
	await tables.run(cli, "set 100 10.0.0.1 6080 0 0");
	await tables.run(cli, "set 7 10.0.0.1 6080 0 0");
	const traffic = tables.open(trafficTable);
	for (const service of [1, 2])
		traffic.set(
			{ tunnel: 100, sid: { service, group: 0 }, direction: "egress" },
			everyCpu(10n, 1000n),
		);
	traffic.set(
		{ tunnel: 100, sid: { service: 1, group: 0 }, direction: "ingress" },
		everyCpu(1n, 2n ** 53n),
	);
	// A tunnel that is gone is nobody's line.
	traffic.set(
		{ tunnel: 8, sid: { service: 1, group: 0 }, direction: "ingress" },
		everyCpu(1n, 1n),
	);
	const [packets, bytes] = [20 * cpus, 2000 * cpus];
	const much = String(2n ** 53n * BigInt(cpus));
	const shown = await tables.run(cli, "stats");
	t.deepEqual(
		shown.out.split("\n").map((line) => line.trim().split(/\s{2,}/)),
		[
			["tunnel", "packets in", "bytes in", "packets out", "bytes out"],
			["7", "0", "0", "0", "0"],
			["100", String(cpus), much, String(packets), String(bytes)],
			["2 tunnels"],
			[""],
		],
	);
	const columns = shown.out.split("\n").slice(0, 3);
	t.is(new Set(columns.map((line) => line.length)).size, 1);
	await session(t, tables, cli, [
		{
			type: "stats 7 --json",
			out: '{"tunnels":[{"id":7,"ingress":{"packets":0,"bytes":0},"egress":{"packets":0,"bytes":0}}]}\n',
		},
		{
			type: "stats 100 --json",
			out: `{"tunnels":[{"id":100,"ingress":{"packets":${cpus},"bytes":"${much}"},"egress":{"packets":${packets},"bytes":${bytes}}}]}\n`,
		},
	]);
});

it("stats of nothing is an empty document, or exit 3", (t, tables) =>
	session(t, tables, cli, [
		{ type: "stats all --json", out: '{"tunnels":[]}\n' },
		{ type: "stats 8", code: 3, err: "cli_tunnel: stats: no tunnel 8\n" },
	]));
