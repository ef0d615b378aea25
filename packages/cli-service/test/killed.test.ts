// Needs root and a kernel with BPF.

import { killedAnywhere, withTables } from "@sluice/cli-kit/testing";
import test from "ava";
import { cli } from "../src/cli.js";
import { setTunnel } from "./helpers/tunnel.js";

const it = withTables(test);

const first = "set 1 1 tcp 5.5.5.1 80 1.1.1.1 8080 100 one";
const second = "set 2 1 tcp 5.5.5.2 80 1.1.1.2 8080 100 two";

const lines = (...list: string[]) => `${list.join("\n")}\n`;

/** What a batch of every kind does: adds, moves, takes over, swaps, deletes. */
const mixed = lines(
	"set 1 1 tcp 5.5.5.2 80 1.1.1.1 8080 100 one",
	"set 2 1 tcp 5.5.5.1 80 1.1.1.2 8080 9 two",
	"set 3 1 udp 5.5.5.3 53 1.1.1.3 53 100 x",
	"set 4 1 tcp 5.5.5.4 80 1.1.1.4 80 100 x",
	"del 4 1",
);

const writers = {
	"set of a new service": "set 3 1 tcp 5.5.5.3 80 1.1.1.3 8080 100 x",
	"set of a key": "set 1 1 tcp 5.5.5.1 80 1.1.1.1 8080 100 x",
	"set of a proxy": "set 1 1 tcp 5.5.5.9 80 1.1.1.1 8080 100 one",
	"set of a backend": "set 1 1 tcp 5.5.5.1 80 1.1.1.9 8080 100 one",
	"set of everything": "set 1 1 udp 5.5.5.9 80 1.1.1.9 8080 9 x",
	"set that swaps ends": "set 1 1 tcp 1.1.1.1 8080 5.5.5.1 80 100 one",
	"takeover of a proxy": "set 3 1 tcp 5.5.5.1 80 1.1.1.3 8080 100 x --force",
	"takeover from two": "set 3 1 tcp 5.5.5.1 80 1.1.1.2 8080 100 x --force",
	"takeover by one that moves":
		"set 2 1 tcp 5.5.5.1 80 1.1.1.1 8080 100 two --force",
	del: "del 1 1",
	"del all": "del all",
};

const bulk = {
	batch: { line: "batch -", input: mixed },
	restore: {
		line: "restore -",
		input: lines(
			"set 1 1 tcp 5.5.5.2 80 1.1.1.1 8080 100 one",
			"set 7 1 udp 5.5.5.7 53 1.1.1.7 53 9 x",
		),
	},
	"restore of nothing": { line: "restore - --allow-empty", input: "" },
};

const nexts = {
	"an unrelated set": { line: "set 9 9 udp 9.9.9.9 53 9.9.9.8 53 100 y" },
	"an unrelated del": { line: "del 9 9 --if-exists" },
	"a batch": { line: "batch -", input: "del 9 9 --if-exists\n" },
	"check --repair": { line: "check --repair" },
};

for (const [writer, typed] of [
	...Object.entries(writers).map(([name, line]) => [name, { line }] as const),
	...Object.entries(bulk),
])
	for (const [next, after] of Object.entries(nexts))
		it(`${writer}, killed anywhere, is done or not done after ${next}`, async (t, tables) => {
			setTunnel(tables, 100);
			setTunnel(tables, 9);
			await killedAnywhere(t, tables, {
				cli,
				begin: async () => {
					await tables.run(cli, "del all");
					for (const line of [first, second]) await tables.run(cli, line);
				},
				writer: typed,
				next: { cli, ...after },
				state: async () => {
					const check = await tables.run(cli, "check");
					t.is(check.out, "0 findings\n");
					const { out } = await tables.run(cli, "get all --show-keys");
					return out.split("\n").sort();
				},
			});
		});
