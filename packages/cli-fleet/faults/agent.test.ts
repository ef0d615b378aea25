// Needs root, BPF, etcd and strace: an agent is killed at each of its writes; the next one puts things right.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { killedAtCall, traced, writingCalls } from "@sluice/testbed";
import { changed } from "../test/helpers/documents.js";
import { it } from "../test/helpers/fleet.js";

const program = path.resolve(import.meta.dirname, "../dist/cli_fleet.cjs");

const before = changed(() => {}, 4);
/** Rows of every kind come, change and go. */
const after = changed((c) => {
	c.config = [];
	c.tunnels.shift();
	c.services.shift();
	const [a, b] = c.services as Record<string, unknown>[];
	if (a && b) [a.proxy, b.proxy] = [b.proxy, a.proxy];
	c.tunnels.push({ id: 9, local: "127.0.0.2:6080", remote: "learned" });
}, 4);

it("an agent is killed at each of its writes, and the next one ends as the store says", async (t, fleet) => {
	const gw1 = fleet.machine("gw1");
	const state = mkdtempSync(path.join(tmpdir(), "fleet-killed-"));
	t.teardown(() => rmSync(state, { recursive: true }));
	const argv = [
		...[process.execPath, program, "run", "--machine", "gw1"],
		...["--etcd", fleet.urls, "--directory", state],
		...["--bpffs", gw1.tables.bpffs],
	];
	let generation = 0;
	const pushed = async (document: typeof before) => {
		const { code, err } = await fleet.cli("push -", document);
		t.is(code, 0, err);
		return ++generation;
	};
	/** Runs an agent in the place of ours, until it has applied or is killed. */
	const run = async (line: readonly string[], until: number) => {
		const [file = "", ...args] = line;
		const agent = spawn(file, args, { stdio: ["ignore", "ignore", "pipe"] });
		let trace = "";
		agent.stderr.setEncoding("utf8").on("data", (text) => {
			trace += text;
		});
		const ended = once(agent, "close");
		const applied = gw1.applied(until).catch(() => {});
		await Promise.race([ended, applied]);
		agent.kill("SIGTERM");
		await ended;
		return trace;
	};
	const reset = async () => {
		gw1.start();
		await gw1.applied(await pushed(before));
		await gw1.stop();
		return pushed(after);
	};
	const calls = writingCalls(await run(traced(argv), await reset()));
	t.true(calls.length >= 5, `${calls.length} writes`);
	for (const call of calls) {
		const last = await reset();
		await run(killedAtCall(argv, call), last);
		gw1.start();
		await gw1.applied(last);
		const { document, drifted } = await gw1.kernel();
		t.is(document.services.length, 3);
		t.false(drifted, `killed at call ${call}`);
		t.deepEqual(gw1.findings(), []);
		await gw1.stop();
	}
	t.log(`${calls.length} writes`);
});
