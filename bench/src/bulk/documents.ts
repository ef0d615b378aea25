import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Testbed } from "@sluice/testbed";
import { bin } from "../cli/bins.js";
import { ROUNDS } from "../interleave.js";
import type { Row, Table } from "../table.js";
import { measure, node } from "./measure.js";

const FLOOR = "node -e 0";
const OURS = "ours";
const THOUSANDS = [10, 100];

const attach = join(import.meta.dirname, "../../../scripts/attach_tc.sh");
const apply = bin("cli-apply", "cli_apply");

/** A document of as many tunnels as services: from nothing, again, and with one row changed. */
export async function documents(
	bed: Testbed,
	directory: string,
): Promise<Table> {
	const host = await bed.host("documents");
	await host.run("ip", ["link", "set", "lo", "up"]);
	await host.run(attach, ["lo"]);
	const write = (name: string, content: object) => {
		const path = join(directory, `${name}.json`);
		writeFileSync(path, JSON.stringify(content));
		return path;
	};
	const empty = write("empty", machine(0));
	const commands: Record<string, string[]> = {
		[FLOOR]: [process.execPath, "-e", "0"],
	};
	/** Each with a file of its own, by which its memory is known. */
	const files: Record<string, string> = {};
	for (const thousands of THOUSANDS) {
		const both = `${thousands} 000 tunnels and services`;
		const content = machine(thousands * 1000);
		const add = (what: string) => {
			const file = write(`${thousands}k ${what}`, content);
			files[`${both}, ${what}`] = file;
			commands[`${both}, ${what}`] = node(apply, file);
		};
		commands[`${both}, none`] = node(
			...[apply, empty, "--allow-empty", "--max-delete", "999999"],
		);
		add("new");
		add("unchanged");
		Object.assign(content.services[thousands * 500] as object, {
			backend: "31.0.0.1:8080",
		});
		add("one row changed");
	}
	const { times, memory } = await measure(host, directory, ROUNDS, commands);
	const { [FLOOR]: floor = [] } = times;
	return {
		title: "bulk: cli_apply, a document in JSON, to node -e 0",
		base: FLOOR,
		columns: [FLOOR, OURS],
		rows: Object.entries(files).flatMap(([title, file]): Row[] => [
			{
				title,
				unit: "ms",
				samples: { [FLOOR]: floor, [OURS]: times[title] ?? [] },
			},
			{
				title: "  memory",
				unit: "MB",
				samples: { [OURS]: memory.get(`cli_apply ${file}`) ?? [] },
			},
		]),
	};
}

/** A gateway's document. */
function machine(count: number) {
	const numbers = Array.from({ length: count }, (_, i) => i);
	const address = (first: number, i: number) =>
		`${first}.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
	return {
		apiVersion: "sluice/v1",
		kind: "Machine",
		metadata: { name: "gw1" },
		tunnels: numbers.map((i) => ({
			id: i,
			local: "127.0.0.1:6080",
			remote: `${address(198, i)}:6080`,
		})),
		services: numbers.map((i) => ({
			service: i & 0xffff,
			group: i >> 16,
			protocol: "tcp",
			proxy: `${address(5, i)}:80`,
			backend: `${address(10, i)}:8080`,
			tunnel: i,
			keys: [{ text: "Pa55w0rd12345678" }],
		})),
	};
}
