import { join } from "node:path";
import type { Host, Testbed } from "@sluice/testbed";
import { bin } from "../cli/bins.js";
import { EARLIER } from "../earlier.js";
import { ROUNDS } from "../interleave.js";
import type { Row, Table } from "../table.js";
import type { Input } from "./input.js";
import { measure, node } from "./measure.js";

type Figures = { ms: number; MB: number };

/** tubectl's commands about 100 000 bindings: time and peak memory, beside an earlier release's. */
export async function bindings(
	bed: Testbed,
	directory: string,
	input: Input,
): Promise<Table> {
	const programs = {
		ours: bin("tubectl", "tubectl"),
		...(EARLIER
			? { earlier: join(EARLIER, "packages/tubectl/dist/tubectl.cjs") }
			: {}),
	};
	const hosts: Record<string, Host> = {};
	for (const name of Object.keys(programs)) hosts[name] = await bed.host(name);
	/** By round. */
	const taken: Record<string, Record<string, Figures>>[] = [];
	for (let round = 0; round < ROUNDS; round++) {
		const figures: Record<string, Record<string, Figures>> = {};
		for (const [column, program] of Object.entries(programs))
			figures[column] = await once(
				hosts[column] as Host,
				directory,
				program,
				input,
			);
		taken.push(figures);
	}
	const columns = Object.keys(programs);
	const row = (title: string, command: string, unit: keyof Figures): Row => ({
		title,
		unit,
		samples: Object.fromEntries(
			columns.map((column) => [
				column,
				taken.map((round) => round[column]?.[command]?.[unit] ?? Number.NaN),
			]),
		),
	});
	return {
		title: "bulk: tubectl with 100 000 bindings",
		columns,
		rows: Object.keys(taken[0]?.ours ?? {}).flatMap((command) => [
			row(command, command, "ms"),
			row("  memory", command, "MB"),
		]),
	};
}

/** Each command by itself, since the memory of a verb is that of its last command. */
async function once(
	host: Host,
	directory: string,
	program: string,
	{ bindings, halfOfBindings, otherBindings }: Input,
): Promise<Record<string, Figures>> {
	const saved = join(directory, "saved-bindings");
	const commands: Record<string, string[]> = {
		"load-bindings, new": ["load-bindings", bindings],
		"load-bindings, unchanged": ["load-bindings", bindings],
		"load-bindings, half changed": ["load-bindings", halfOfBindings],
		bindings: ["bindings"],
		status: ["status"],
		save: ["save"],
		"restore, unchanged": ["restore", saved],
		"restore, all others": ["restore", otherBindings],
		"upgrade --index": ["upgrade", "--index"],
		"load-bindings with an index, all others": ["load-bindings", bindings],
		"load-bindings with an index, half changed": [
			"load-bindings",
			halfOfBindings,
		],
	};
	await host.run(process.execPath, [program, "load"]);
	const found: Record<string, Figures> = {};
	for (const [title, words] of Object.entries(commands)) {
		if (title === "restore, unchanged")
			await host.run("sh", [
				...["-c", '"$0" "$1" save >"$2"'],
				...[process.execPath, program, saved],
			]);
		const { times, memory } = await measure(host, directory, 1, {
			[title]: node(program, ...words),
		});
		found[title] = {
			ms: times[title]?.[0] ?? Number.NaN,
			MB: [...memory.values()].flat()[0] ?? Number.NaN,
		};
	}
	await host.run(process.execPath, [program, "unload"]);
	return found;
}
