// `stats --watch` of the built program.
import path from "node:path";
import {
	intoPipes,
	type PinnedTables,
	withTables,
} from "@sluice/cli-kit/testing";
import { possibleCpus } from "@sluice/maps";
import { trafficTable } from "@sluice/maps/tables";
import test, { type ExecutionContext } from "ava";
import { cli } from "../src/cli.js";

const it = withTables(test);
const bin = path.join(import.meta.dirname, "../dist/cli_tunnel.cjs");
const watching = [bin, "stats", "--watch", "--interval", "0.05"];
const variables = (tables: PinnedTables) => ({ TC_BPF_MNT: tables.bpffs });

/** Two tunnels, and packets that go through one of them until the test ends: 10 in and 1 out at a time. */
async function traffic(t: ExecutionContext, tables: PinnedTables) {
	for (const id of [7, 100])
		await tables.run(cli, `set ${id} 10.0.0.1 6080 0 0`);
	const table = tables.open(trafficTable);
	const cpus = possibleCpus();
	let times = 0n;
	const timer = setInterval(() => {
		times++;
		for (const [direction, each] of [
			["ingress", 10n],
			["egress", 1n],
		] as const) {
			const packets = times * each;
			table.set(
				{ tunnel: 100, sid: { service: 1, group: 2 }, direction },
				Array.from({ length: cpus }, () => ({ packets, bytes: 64n * packets })),
			);
		}
	}, 5);
	t.teardown(() => clearInterval(timer));
}

const header =
	/tunnel +packets in +bytes in +packets out +bytes out +packets\/s in +bytes\/s in +packets\/s out +bytes\/s out +last change/;

it("stats --watch prints the tunnels that move, with rates both ways", async (t, tables) => {
	t.timeout(60_000);
	await traffic(t, tables);
	const watch = intoPipes(watching, variables(tables));
	await watch.shows(/\n +100 .*\n\n/);
	watch.kill("SIGINT");
	const looks = (await watch.ended).out.split("\n\n");
	const moving = looks.find((look) => / 100 /.test(look)) ?? "";
	const [head = "", row = "", ...others] = moving.split("\n");
	t.regex(head, header);
	t.regex(row, /^ +100( +[1-9][\d.]*){8} +\d\d:\d\d:\d\d$/);
	t.deepEqual(others, []);
});

it("stats 7 --watch prints a tunnel that does not move, too", async (t, tables) => {
	await traffic(t, tables);
	const watch = intoPipes(
		[...watching, "--count", "1", "--json", "7"],
		variables(tables),
	);
	const { code, out, err } = await watch.ended;
	t.deepEqual([code, err], [0, ""]);
	const { tunnels } = JSON.parse(out);
	t.deepEqual(tunnels, [
		{
			id: 7,
			ingress: { packets: 0, bytes: 0 },
			egress: { packets: 0, bytes: 0 },
			perSecond: { packetsIn: 0, bytesIn: 0, packetsOut: 0, bytesOut: 0 },
			changed: null,
		},
	]);
});
