import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Host, testbed } from "@sluice/testbed";
import { bin } from "./cli/bins.js";
import { type Cost, timeCommands } from "./cli/commands.js";
import { ROUNDS } from "./interleave.js";
import type { Table } from "./table.js";

const FLOOR = "node -e 0";
const OURS = "ours";
const MANY = 10_000;

const attach = join(import.meta.dirname, "../../scripts/attach_tc.sh");
const cfg = bin("cli-cfg", "cli_cfg");
const tunnel = bin("cli-tunnel", "cli_tunnel");
const service = bin("cli-service", "cli_service");
const tubectl = bin("tubectl", "tubectl");
const udplb = bin("udplb", "udplb");

/** By the name of a row. "%" becomes the number of the round. */
const OURS_BY_NAME: Record<string, string[]> = {
	"cli_cfg set": [cfg, "set", "0", "1", "3", "host%"],
	"cli_cfg get all": [cfg, "get", "all"],
	"cli_cfg stats": [cfg, "stats"],
	"cli_tunnel set": [tunnel, "set", "1%", "172.1.0.4", "6080", "0", "0"],
	"cli_tunnel get": [tunnel, "get", "10"],
	"cli_service set": [
		...[service, "set", "%", "2", "tcp", "5.5.5.5", "31%"],
		...["1.1.1.1", "40%", "10", "Pa55w0rd1234567"],
	],
	"cli_service get": [service, "get", "%", "2"],
	"cli_service del": [service, "del", "%", "2"],
	"tubectl bind": [tubectl, "bind", "foo", "tcp", "10.0.%.0/24", "80"],
	"tubectl status": [tubectl, "status"],
	"udplb stats": [udplb, "stats", "-i", "lo"],
	"--version": [tunnel, "--version"],
	"--help": [tunnel, "--help"],
	"a mistake": [tunnel, "add", "1"],
};

/** Whole processes: the time of one typed command. */
export async function* suite(): AsyncIterable<Table> {
	const bed = testbed();
	try {
		const host = await bed.host("host");
		await host.run(attach, ["lo"]);
		await host.run(process.execPath, [tubectl, "load"]);
		await serve(host);
		const costs = await timeCommands(
			host,
			Object.fromEntries(
				[[FLOOR, ["-e", "0"]] as const, ...Object.entries(OURS_BY_NAME)].map(
					([name, args]) => [name, [process.execPath, ...args]],
				),
			),
			3 * ROUNDS,
		);
		yield table("cli: one command, CPU time", costs, ({ cpu }) => cpu);
		yield table("cli: one command, on the clock", costs, ({ wall }) => wall);
		yield {
			title: "cli: many entries",
			columns: [OURS],
			rows: [
				{
					title: `${MANY} tunnels, one command each (from ${3 * ROUNDS})`,
					unit: "s",
					samples: {
						[OURS]: (costs["cli_tunnel set"] ?? []).map(
							({ wall }) => (wall * MANY) / 1000,
						),
					},
				},
			],
		};
	} finally {
		await bed.close();
	}
}

/** Starts a relay on lo. */
async function serve(host: Host): Promise<void> {
	const directory = mkdtempSync(join(tmpdir(), "bench-"));
	const file = join(directory, "config.yaml");
	writeFileSync(
		file,
		"- key: {address: 127.0.0.1, port: 5000}\n  upstream: [{address: 127.0.0.2, port: 5000}]\n",
	);
	try {
		const server = host.spawn(process.execPath, [
			...[udplb, "-i", "lo", "-c", file],
		]);
		await server.ready(/serving/, "stderr");
	} finally {
		rmSync(directory, { recursive: true });
	}
}

function table(
	title: string,
	costs: Record<string, Cost[]>,
	figure: (cost: Cost) => number,
): Table {
	const samples = (name: string) => (costs[name] ?? []).map(figure);
	return {
		title,
		base: FLOOR,
		columns: [FLOOR, OURS],
		rows: Object.keys(OURS_BY_NAME).map((name) => ({
			title: name,
			unit: "ms",
			samples: { [FLOOR]: samples(FLOOR), [OURS]: samples(name) },
		})),
	};
}
