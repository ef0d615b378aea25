import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Host, type Running, testbed } from "@sluice/testbed";
import type { Table } from "./table.js";

const URL = "http://127.0.0.1:2379";
const MACHINES = 1000;
const attach = join(import.meta.dirname, "../../scripts/attach_tc.sh");
const probes = join(import.meta.dirname, "../../packages/cli-fleet/probes");

/** The agent, and etcd with a thousand of them. */
export async function* suite(): AsyncIterable<Table> {
	const bed = testbed();
	const directory = mkdtempSync(join(tmpdir(), "bench-fleet-"));
	try {
		const host = await bed.host("host");
		await host.run("ip", ["link", "set", "lo", "up"]);
		await host.run(attach, ["lo"]);
		let etcd = await startEtcd(host, join(directory, "one"));
		const one = await host.run(process.execPath, [
			"--import=tsx",
			join(probes, "machine.ts"),
			URL,
		]);
		await etcd.stop("SIGKILL");
		yield table(
			"fleet: 10 000 tunnels and 10 000 services on one machine",
			JSON.parse(one.stdout),
			{
				putToRow: ["one change, put to row in the kernel (200 puts)", "ms"],
				tenThousand: ["10 000 changes, first put to last row", "ms"],
				tenThousandCpu: ["the same, CPU time of the agent", "ms"],
				startEmpty: ["agent's start, empty tables", "ms"],
				startEmptyCpu: ["the same, CPU time", "ms"],
				startUnchanged: ["agent's start, nothing to change", "ms"],
				startUnchangedCpu: ["the same, CPU time", "ms"],
				memory: ["agent's memory, peak", "MB"],
			},
		);
		etcd = await startEtcd(host, join(directory, "many"));
		const many = host.spawn(process.execPath, [
			"--import=tsx",
			join(probes, "machines.ts"),
			URL,
			String(MACHINES),
		]);
		await many.ready(/restart/);
		await etcd.stop("SIGKILL");
		etcd = await startEtcd(host, join(directory, "many"));
		const [text] = await many.ready(/\{.*\}/);
		await many.ended;
		await etcd.stop("SIGKILL");
		yield table(`fleet: ${MACHINES} machines on one etcd`, JSON.parse(text), {
			listed: ["all have listed, and watch", "ms"],
			oneChange: ["one change, put to its machine (200 puts)", "ms"],
			changeEach: ["a change for each, first put to last machine", "ms"],
			changeEachTogether: ["the same, 64 machines in a transaction", "ms"],
			storm: ["etcd back, until all watch again", "ms"],
			memory: ["memory of all machines, in one process", "MB"],
		});
	} finally {
		await bed.close();
		rmSync(directory, { recursive: true, force: true });
	}
}

async function startEtcd(host: Host, data: string): Promise<Running> {
	const etcd = host.spawn("etcd", [
		...["--data-dir", data, "--logger", "zap", "--log-outputs", "stdout"],
		...["--listen-client-urls", URL, "--advertise-client-urls", URL],
	]);
	await etcd.ready(/published local member/);
	return etcd;
}

/** Rows of what a probe has printed. Of many figures, the cell has the median, the least and the largest. */
function table(
	title: string,
	figures: Record<string, number | number[]>,
	rows: Record<string, [title: string, unit: string]>,
): Table {
	const own = Object.entries(rows).flatMap(([name, [title, unit]]) => {
		const samples = [figures[name] ?? []].flat();
		const p99 = [...samples].sort((a, b) => a - b)[
			Math.floor(samples.length * 0.99)
		];
		return [
			{ title, unit, samples: { ours: samples } },
			...(samples.length > 1 && p99 !== undefined
				? [{ title: `${title}, p99`, unit, samples: { ours: [p99] } }]
				: []),
		];
	});
	return { title, columns: ["ours"], rows: own };
}
