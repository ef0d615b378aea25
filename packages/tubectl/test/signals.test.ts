// Needs root: a signal in the middle of a change of many bindings.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fixture } from "@sluice/testbed";
import test from "ava";
import { kernelTest, ownDispatcher } from "./helpers/own-host.js";
import { json, objects } from "./helpers/tubectl.js";

const directory = mkdtempSync(join(tmpdir(), "signals-"));
const COUNT = 40_000;

ownDispatcher();
test.after.always(() => rmSync(directory, { recursive: true }));

for (const signal of ["SIGINT", "SIGTERM"] as const)
	kernelTest(
		`${signal} while bindings are loaded leaves all of them or none`,
		async (t) => {
			const file = join(directory, "bindings.json");
			const bindings = Array.from({ length: COUNT }, (_, i) => ({
				label: "foo",
				prefix: `10.0.${i >> 8}.${i & 255}`,
				port: 80,
			}));
			writeFileSync(file, JSON.stringify({ bindings }));
			const child = spawn(
				...fixture("commands", JSON.stringify([["load-bindings", file]])),
				{ env: { ...process.env, SLUICE_BPF_DIR: objects }, stdio: "inherit" },
			);
			const exit = once(child, "exit");
			const count = async () => (await json("bindings")).bindings.length;
			while ((await count()) === 0 && child.exitCode === null)
				await setTimeout(1);
			child.kill(signal);
			const [code, by] = await exit;
			t.true(by === signal || code === 0, `${code} ${by}`);
			t.is(await count(), 2 * COUNT);
			t.like((await json("status")).destinations, [
				{ label: "foo", bindings: COUNT },
			]);
		},
	);
