import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Host, testbed } from "@sluice/testbed";
import { writeInput } from "./bulk/input.js";
import { bin, isBuilt } from "./cli/bins.js";
import { timeCommands } from "./cli/commands.js";
import { ROUNDS } from "./interleave.js";
import type { Row, Table } from "./table.js";

const OURS = "ours";
const LINES = 5000;

const attach = join(import.meta.dirname, "../../scripts/attach_tc.sh");
const coprocess = join(import.meta.dirname, "../dist/coprocess");
const peakMemory = join(import.meta.dirname, "bulk/peak-memory.cjs");
const tunnel = bin("cli-tunnel", "cli_tunnel");
const service = bin("cli-service", "cli_service");
const tubectl = bin("tubectl", "tubectl");

const node = (...args: string[]) => [
	process.execPath,
	"--require",
	peakMemory,
	...args,
];

/** Many operations in one process. */
export async function* suite(): AsyncIterable<Table> {
	const directory = mkdtempSync(join(tmpdir(), "sluice-bench-"));
	process.once("exit", () => rmSync(directory, { recursive: true }));
	const bed = await testbed();
	try {
		const host = await bed.host("host");
		const input = writeInput(directory);
		const rows: Row[] = [];

		await host.run(attach, ["lo"]);
		const batches = await measure(host, directory, {
			small: node(tunnel, "batch", input.tenThousandTunnels),
			clear: node(tunnel, "del", "all"),
			tunnels: node(tunnel, "batch", input.tunnels),
			services: node(service, "batch", input.services),
			get: node(service, "get", "all", "--json"),
			"clear services": node(service, "del", "all"),
			"clear tunnels": node(tunnel, "del", "all"),
		});
		const both = sums(batches.times.tunnels, batches.times.services);
		rows.push(
			row("10 000 tunnels, one batch", "ms", batches.times.small),
			row("100 000 tunnels + 100 000 services, a batch each", "ms", both),
			row("  memory", "MB", [
				...(batches.memory.get("cli_tunnel batch") ?? []),
				...(batches.memory.get("cli_service batch") ?? []),
			]),
			row("cli_service get all --json of 100 000", "ms", batches.times.get),
			row("batch --stream, one line there and back", "µs", await stream(host)),
		);
		if (isBuilt(tubectl))
			rows.push(...(await bindings(host, directory, input)));
		yield {
			title: "bulk: many operations in one process",
			columns: [OURS],
			rows,
		};
	} finally {
		await bed.close();
	}
}

const row = (title: string, unit: string, samples: number[] = []): Row => ({
	title,
	unit,
	samples: { [OURS]: samples },
});

const sums = (a: number[] = [], b: number[] = []) =>
	a.map((value, round) => value + (b[round] ?? 0));

/** Times commands, and takes the most memory of each program and verb. */
async function measure(
	host: Host,
	directory: string,
	commands: Record<string, string[]>,
) {
	const file = join(directory, "peak-memory");
	const costs = await timeCommands(host, commands, ROUNDS, {
		PEAK_MEMORY: file,
	});
	const times = Object.fromEntries(
		Object.entries(costs).map(([name, each]) => [
			name,
			each.map(({ wall }) => wall),
		]),
	);
	const memory = new Map<string, number[]>();
	for (const line of readFileSync(file, "utf8").trim().split("\n")) {
		const [name = "", megabytes] = line.split("\t");
		memory.set(name, [...(memory.get(name) ?? []), Number(megabytes)]);
	}
	rmSync(file);
	return { times, memory };
}

async function stream(host: Host): Promise<number[]> {
	const samples: number[] = [];
	for (let round = 0; round < ROUNDS; round++) {
		const { stdout } = await host.run(coprocess, [
			...[String(LINES), "set % 172.1.0.4 6080 0 0"],
			...[process.execPath, tunnel, "batch", "--stream", "-", "--json"],
		]);
		samples.push(Number(stdout));
	}
	return samples;
}

async function bindings(
	host: Host,
	directory: string,
	input: { bindings: string },
): Promise<Row[]> {
	const { times, memory } = await measure(host, directory, {
		load: node(tubectl, "load"),
		new: node(tubectl, "load-bindings", input.bindings),
		unchanged: node(tubectl, "load-bindings", input.bindings),
		unload: node(tubectl, "unload"),
	});
	return [
		row("tubectl load-bindings of 100 000, new", "ms", times.new),
		row("tubectl load-bindings of 100 000, unchanged", "ms", times.unchanged),
		row("  memory", "MB", memory.get("tubectl load-bindings")),
	];
}
