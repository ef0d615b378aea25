import { session, withTables } from "@sluice/cli-kit/testing";
import { possibleCpus } from "@sluice/maps";
import { outcomes, statsRow, statsTable } from "@sluice/maps/tables";
import test from "ava";
import { cli } from "../../src/cli.js";

const it = withTables(test);

it("stats adds up the CPUs and leaves zero rows out", async (t, tables) => {
	const cpus = possibleCpus();
	const everyCpu = (count: bigint) => Array.from({ length: cpus }, () => count);
	const table = tables.open(statsTable);
	table.set(statsRow("ingress", "decapsulated"), everyCpu(1000n));
	table.set(statsRow("egress", "encapsulated"), everyCpu(3n));
	table.set(statsRow("egress", "nat-failed"), everyCpu(1n));
	table.set(statsRow("ingress", "ping"), everyCpu(2n));
	table.set(statsRow("ingress", "not-ours"), everyCpu(7n));
	const n = (count: number) => String(count * cpus).padStart(7);
	await session(t, tables, cli, [
		{
			type: "stats",
			out: [
				"direction  outcome       fate     packets",
				`ingress    not-ours      passed   ${n(7)}`,
				`ingress    decapsulated  done     ${n(1000)}`,
				`ingress    ping          taken    ${n(2)}`,
				`egress     encapsulated  done     ${n(3)}`,
				`egress     nat-failed    dropped  ${n(1)}`,
				`total                             ${n(1013)}`,
				"",
			].join("\n"),
		},
		{
			type: "stats --json",
			out: `${JSON.stringify({
				rows: [
					["ingress", "not-ours", "passed", 7],
					["ingress", "decapsulated", "done", 1000],
					["ingress", "ping", "taken", 2],
					["egress", "encapsulated", "done", 3],
					["egress", "nat-failed", "dropped", 1],
				].map(([direction, outcome, fate, packets]) => ({
					direction,
					outcome,
					fate,
					packets: (packets as number) * cpus,
				})),
				total: 1013 * cpus,
			})}\n`,
		},
	]);
});

it("stats of nothing is a total of 0", (t, tables) =>
	session(t, tables, cli, [
		{
			type: "stats",
			out: "direction  outcome  fate  packets\ntotal                           0\n",
		},
		{ type: "stats --json", out: '{"rows":[],"total":0}\n' },
	]));

it("stats --all has a row for every outcome of both directions", async (t, tables) => {
	const { out } = await tables.run(cli, "stats --all --json");
	const { rows } = JSON.parse(out);
	t.deepEqual(
		rows.map(({ direction, outcome }: Record<string, string>) => [
			direction,
			outcome,
		]),
		["ingress", "egress"].flatMap((direction) =>
			outcomes.map((outcome) => [direction, outcome]),
		),
	);
});
