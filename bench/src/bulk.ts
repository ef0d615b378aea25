import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Host, testbed } from "@sluice/testbed";
import { bindings } from "./bulk/bindings.js";
import { documents } from "./bulk/documents.js";
import { writeInput } from "./bulk/input.js";
import { measure, node } from "./bulk/measure.js";
import { bin } from "./cli/bins.js";
import { ROUNDS } from "./interleave.js";
import type { Row, Table } from "./table.js";

const OURS = "ours";
const LINES = 5000;

const attach = join(import.meta.dirname, "../../scripts/attach_tc.sh");
const coprocess = join(import.meta.dirname, "../dist/coprocess");
const tunnel = bin("cli-tunnel", "cli_tunnel");
const service = bin("cli-service", "cli_service");

/** Many operations in one process. */
export async function* suite(): AsyncIterable<Table> {
	const directory = mkdtempSync(join(tmpdir(), "sluice-bench-"));
	process.once("exit", () => rmSync(directory, { recursive: true }));
	const bed = testbed();
	try {
		const host = await bed.host("host");
		const input = writeInput(directory);
		const rows: Row[] = [];

		await host.run(attach, ["lo"]);
		const batches = await measure(host, directory, ROUNDS, {
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
		yield {
			title: "bulk: many operations in one process",
			columns: [OURS],
			rows,
		};
		yield await documents(bed, directory);
		yield await bindings(bed, directory, input);
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
