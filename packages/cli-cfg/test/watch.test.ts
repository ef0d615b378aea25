// `stats --watch` of the built program.
import path from "node:path";
import {
	intoPipes,
	onTerminal,
	type PinnedTables,
	withTables,
} from "@sluice/cli-kit/testing";
import { possibleCpus } from "@sluice/maps";
import { statsRow, statsTable } from "@sluice/maps/tables";
import test, { type ExecutionContext } from "ava";

const it = withTables(test);
const bin = path.join(import.meta.dirname, "../dist/cli_cfg.cjs");
const watching = [bin, "stats", "--watch", "--interval", "0.05"];
const variables = (tables: PinnedTables) => ({ TC_BPF_MNT: tables.bpffs });

/** Has packets counted until the test ends. */
function count(t: ExecutionContext, tables: PinnedTables): void {
	const stats = tables.open(statsTable);
	const cpus = possibleCpus();
	let packets = 0n;
	const timer = setInterval(() => {
		packets += 10n;
		const each = Array.from({ length: cpus }, () => packets);
		stats.set(statsRow("egress", "encapsulated"), each);
	}, 5);
	t.teardown(() => clearInterval(timer));
}

it("stats --watch prints the outcomes that move", async (t, tables) => {
	t.timeout(60_000);
	const watch = intoPipes(watching, variables(tables));
	count(t, tables);
	await watch.shows(/encapsulated.*\n\n/);
	watch.kill("SIGINT");
	const looks = (await watch.ended).out.split("\n\n");
	t.regex(
		looks.find((look) => look.includes("encapsulated")) ?? "",
		/^direction +outcome +fate +packets +packets\/s +last change\negress +encapsulated +done +[1-9]\d* +[1-9]\d* +\d\d:\d\d:\d\d$/,
	);
});

it("a single drop stays, with its time, in red on a terminal", async (t, tables) => {
	t.timeout(60_000);
	const size = { rows: 24, columns: 100 };
	const watch = onTerminal(watching, size, variables(tables));
	await watch.shows(/last change/);
	tables.open(statsTable).set(
		statsRow("ingress", "wrong-key"),
		Array.from({ length: possibleCpus() }, (_, cpu) => BigInt(cpu === 0)),
	);
	// Looks later it has no rate any more, and is still there.
	await watch.shows(
		/␛\[31mingress +wrong-key +dropped +1 +0 +\d\d:\d\d:\d\d␛\[39m␛\[\?7h\r\n␛\[2A[^␛]*␛\[J␛\[\?7l[^␛]*␛\[31mingress +wrong-key +dropped +1 +0 /,
	);
	watch.type("\x03");
	t.is((await watch.ended).code, 0);
});

it("stats --watch --all shows what does not move", async (t, tables) => {
	const all = intoPipes(
		[...watching, "--all", "--json", "--count", "1"],
		variables(tables),
	);
	const { rows } = JSON.parse((await all.ended).out);
	t.true(rows.length > 2);
	t.deepEqual(rows[0].perSecond, { packets: 0 });
	t.is(rows[0].changed, null);
});

it("stats --watch --all on a small terminal shows the lines that it has room for", async (t, tables) => {
	t.timeout(60_000);
	const size = { rows: 5, columns: 20 };
	const watch = onTerminal([...watching, "--all"], size, variables(tables));
	// Not wrapped; then up again by as many.
	const [, first = ""] = await watch.shows(
		/^([^␛]*␛\[\?7l[^␛]*␛\[\?7h\r\n)␛\[4A\r␛\[J␛\[\?7ldirection[^␛]*␛\[\?7h\r\n/,
	);
	t.regex(first, /^␛\[\?7ldirection.*\r\ningress.*\r\n.*\r\n.*␛\[\?7h\r\n$/);
	watch.type("\x03");
	t.is((await watch.ended).code, 0);
});
