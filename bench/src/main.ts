import { existsSync } from "node:fs";
import { join } from "node:path";
import { machine, machineLine } from "./machine.js";
import { writeResults } from "./results.js";
import { format, type Table } from "./table.js";

/** A part of the bench: measures and gives its tables one by one. */
type Suite = () => AsyncIterable<Table>;

const names = ["tunnel", "cli", "bulk", "sk-lookup", "udplb", "fleet"];

/** Each part is a module of that name, which exports its `suite`. */
async function suites(): Promise<[string, Suite][]> {
	const found: [string, Suite][] = [];
	for (const name of names) {
		const path = join(import.meta.dirname, `${name}.ts`);
		if (existsSync(path)) found.push([name, (await import(path)).suite]);
	}
	return found;
}

const available = await suites();
const wanted = process.argv.slice(2);
const unknown = wanted.filter(
	(name) => !available.some(([one]) => one === name),
);
if (unknown.length > 0) {
	const choices = available.map(([name]) => name).join(", ");
	console.error(
		`bench: no part "${unknown.join('", "')}"; there is ${choices}`,
	);
	process.exit(2);
}

// What a part has changed on the machine it puts back at our exit, which a signal alone would not be.
for (const [signal, code] of [
	["SIGINT", 130],
	["SIGTERM", 143],
] as const)
	process.once(signal, () => process.exit(code));

const on = machine();
console.log(machineLine(on));
const tables: Table[] = [];
try {
	for (const [name, suite] of available) {
		if (wanted.length > 0 && !wanted.includes(name)) continue;
		for await (const table of suite()) {
			tables.push(table);
			console.log(`\n${format(table)}`);
		}
	}
} catch (error) {
	console.error(`bench: ${(error as Error).message}`);
	process.exitCode = 1;
}
if (tables.length > 0) console.log(`\nwritten to ${writeResults(on, tables)}`);
