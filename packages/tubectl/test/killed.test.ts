// Needs root: writers that are killed, as by kill -9, before each of their writes.

import {
	killedAnywhere,
	runInProcess,
	type Typed,
} from "@sluice/cli-kit/testing";
import test from "ava";
import { cli } from "../src/cli.js";
import { kernelTest, ownHost } from "./helpers/own-host.js";
import { json, must, objects, tubectl } from "./helpers/tubectl.js";

test.before(ownHost);
test.afterEach.always(() => tubectl("unload"));

const vars = { SLUICE_BPF_DIR: objects };

const before = [
	"foo tcp 127.8.0.0/16 80",
	"foo udp 127.8.0.0/16 0",
	"bar tcp 127.8.1.1 80",
	"last tcp ::1 80",
];

async function begin(): Promise<void> {
	await tubectl("unload");
	await must("load");
	for (const binding of before) await must("bind", ...binding.split(" "));
}

const entry = (label: string, prefix: string, port: number) => ({
	label,
	prefix,
	port,
});
const input = JSON.stringify({
	bindings: [
		// A label for another, a label that is new, and one that is not there any more.
		entry("bar", "127.8.0.0/16", 80),
		entry("foo", "127.8.1.1", 80),
		entry("new", "2001:db8::/64", 0),
	],
});

const writers: readonly Typed[] = [
	{ line: "load-bindings -", input },
	{
		line: "batch -",
		input: `unbind last tcp ::1 80
bind bar tcp 127.8.0.0/16 80
bind new tcp 127.8.2.0/24 80
unbind bar tcp 127.8.1.1 80`,
	},
	{ line: "restore -", input: "bind new tcp 127.8.0.0/16 80" },
	{ line: "bind new tcp 127.8.9.9 80" },
	{ line: "bind bar tcp ::1 80" },
	{ line: "unbind last tcp ::1 80" },
];

const nexts: readonly Typed[] = [
	{ line: "bind next tcp 10.0.0.0/8 0" },
	{ line: "batch -", input: "bind next tcp 10.0.0.0/8 0" },
	{ line: "upgrade" },
];

for (const writer of writers)
	for (const next of nexts)
		kernelTest(
			`${writer.line.split(" -")[0]} that is killed is done or not, after ${next.line.split(" ")[0]}`,
			async (t) => {
				await killedAnywhere(
					t,
					{
						run: (program, line, env) =>
							runInProcess(program, String(line).split(" "), {
								vars,
								...env,
							}),
					},
					{
						cli,
						begin,
						writer,
						next: { cli, ...next },
						state: async () => {
							const { bindings, destinations } = await json("status");
							return { bindings, destinations };
						},
					},
				);
			},
		);
