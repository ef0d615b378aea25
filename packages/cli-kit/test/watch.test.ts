// Needs root and BPF: a program that shows its counters until it is stopped.
import { signedOnlyTable } from "@sluice/maps/tables";
import test, { type ExecutionContext } from "ava";
import {
	intoPipes,
	onTerminal,
	type PinnedTables,
	withTables,
} from "../testing/index.js";
import { program } from "./helpers/numbers-process.js";

const it = withTables(test);
const watching = [...program, "stats", "--watch", "--interval", "0.05"];
const variables = (tables: PinnedTables) => ({ TC_BPF_MNT: tables.bpffs });

/** Number 2 stays, and number 7 grows until the test ends. */
function grow(t: ExecutionContext, tables: PinnedTables): void {
	const table = tables.open(signedOnlyTable);
	table.set(2, 20);
	let number = 0;
	const timer = setInterval(() => {
		number += 10;
		table.set(7, number);
	}, 5);
	t.teardown(() => clearInterval(timer));
}

for (const signal of ["SIGINT", "SIGTERM"] as const)
	it(`--watch prints what moves, look below look, until ${signal}`, async (t, tables) => {
		t.timeout(60_000);
		grow(t, tables);
		const watch = intoPipes(watching, variables(tables));
		await watch.shows(/\n7 .*\n\n/);
		watch.kill(signal);
		const { code, out, err } = await watch.ended;
		t.deepEqual([code, err], [0, ""]);
		t.notRegex(out, /␛/);
		const looks = out.split("\n\n");
		t.is(looks.pop(), "");
		for (const look of looks) t.regex(look, /^id number(\n7 \d+)?$/);
	});

it("--watch --json prints a document a look, with rates and the time of the last change", async (t, tables) => {
	t.timeout(60_000);
	grow(t, tables);
	const watch = intoPipes([...watching, "--json"], variables(tables));
	await watch.shows(/"id":7.*\n/);
	watch.kill("SIGINT");
	const { code, out, err } = await watch.ended;
	t.deepEqual([code, err], [0, ""]);
	const documents = out.trimEnd().split("\n");
	const { seconds, numbers } = JSON.parse(
		documents.find((line) => line.includes('"id":7')) as string,
	);
	t.true(seconds > 0);
	const [row, ...others] = numbers;
	t.deepEqual(others, []);
	t.is(row.id, 7);
	t.true(row.number > 0 && row.perSecond.number > 0);
	t.true(Math.abs(Date.parse(row.changed) - Date.now()) < 60_000);
});

it("--watch --count ends by itself", async (t, tables) => {
	const watch = intoPipes([...watching, "--count", "2"], variables(tables));
	const out = "id number\n\nid number\n\n";
	t.deepEqual(await watch.ended, { code: 0, out, err: "" });
});

it("on a terminal each look takes the place of the one before, until Ctrl-C", async (t, tables) => {
	t.timeout(60_000);
	grow(t, tables);
	const size = { rows: 24, columns: 80 };
	const watch = onTerminal(watching, size, variables(tables));
	// Two lines, not wrapped; then up again by as many.
	await watch.shows(
		/␛\[\?7lid number\r?\n7 \d+␛\[\?7h\r\n␛\[2A\r␛\[J␛\[\?7lid number\r?\n7 /,
	);
	watch.type("\x03");
	t.is((await watch.ended).code, 0);
});
