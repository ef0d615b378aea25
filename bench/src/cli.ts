import { join } from "node:path";
import { testbed } from "@sluice/testbed";
import { bin, isBuilt } from "./cli/bins.js";
import { type Commands, timeCommands } from "./cli/commands.js";
import { ROUNDS } from "./interleave.js";
import type { Row, Table } from "./table.js";

const FLOOR = "node -e 0";
const OURS = "ours";
const MANY = 10_000;

const attach = join(import.meta.dirname, "../../scripts/attach_tc.sh");
const cfg = bin("cli-cfg", "cli_cfg");
const tunnel = bin("cli-tunnel", "cli_tunnel");
const service = bin("cli-service", "cli_service");
const tubectl = bin("tubectl", "tubectl");

/** Whole processes: what somebody waits for who types one command. */
export async function* suite(): AsyncIterable<Table> {
	const bed = await testbed();
	try {
		const host = await bed.host("host");
		await host.run(attach, ["lo"]);
		const ours: Record<string, string[]> = {
			"cli_cfg set": [cfg, "set", "0", "1", "3", "host%"],
			"cli_cfg get all": [cfg, "get", "all"],
			"cli_tunnel set": [tunnel, "set", "1%", "172.1.0.4", "6080", "0", "0"],
			"cli_tunnel get": [tunnel, "get", "10"],
			"cli_service set": [
				...[service, "set", "%", "2", "tcp", "5.5.5.5", "31%"],
				...["1.1.1.1", "40%", "10", "Pa55w0rd1234567"],
			],
			"cli_service get": [service, "get", "%", "2"],
			"cli_service del": [service, "del", "%", "2"],
		};
		if (isBuilt(tubectl)) {
			await host.run(process.execPath, [tubectl, "load"]);
			ours["tubectl bind"] = [
				tubectl,
				"bind",
				"foo",
				"tcp",
				"10.0.%.0/24",
				"80",
			];
			ours["tubectl status"] = [tubectl, "status"];
		}
		const commands: Commands = {
			[FLOOR]: [process.execPath, "-e", "0"],
			...Object.fromEntries(
				Object.entries(ours).map(([name, args]) => [
					name,
					[process.execPath, ...args],
				]),
			),
		};
		const times = await timeCommands(host, commands, 3 * ROUNDS);
		const floor = times[FLOOR] ?? [];
		const row = (title: string, samples: number[]): Row => ({
			title,
			unit: "ms",
			samples: { [FLOOR]: floor, [OURS]: samples },
		});
		yield {
			title: "cli: one command, the whole process",
			base: FLOOR,
			columns: [FLOOR, OURS],
			rows: Object.keys(ours).map((name) => row(name, times[name] ?? [])),
		};
		yield {
			title: "cli: many entries",
			columns: [OURS],
			rows: [
				{
					title: `${MANY} tunnels, one command each (from ${3 * ROUNDS})`,
					unit: "s",
					samples: {
						[OURS]: (times["cli_tunnel set"] ?? []).map(
							(ms) => (ms * MANY) / 1000,
						),
					},
				},
			],
		};
	} finally {
		await bed.close();
	}
}
