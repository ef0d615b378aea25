// The built program, run as a person runs it.
import { spawn } from "node:child_process";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { withTables } from "@sluice/cli-kit/testing";
import test from "ava";
import { ping } from "./helpers/packets.js";

const it = withTables(test);
const bin = path.join(import.meta.dirname, "../dist/cli_cfg.cjs");

for (const signal of ["SIGINT", "SIGTERM"] as const)
	it(`dump shows what there was and exits 0 at ${signal}`, async (t, tables) => {
		t.timeout(60_000);
		const dump = spawn(bin, ["dump"], {
			env: { PATH: process.env.PATH, TC_BPF_MNT: tables.bpffs },
		});
		const printed = { out: "", err: "" };
		dump.stdout.on("data", (text) => {
			printed.out += text;
		});
		dump.stderr.on("data", (text) => {
			printed.err += text;
		});
		const ended = new Promise((resolve) => dump.once("close", resolve));
		const write = () =>
			tables.object.program("snapshot").testRun({ data: ping });
		while (printed.out === "") {
			write();
			await sleep(20);
		}
		dump.kill(signal);
		t.is(await ended, 0);
		const lines = printed.out.trimEnd().split("\n");
		for (const line of lines)
			t.regex(line, /^PKT\t.* \| gue ping service 1 2 tunnel 100$/);
		t.is(printed.err, `cli_cfg: dump: ${lines.length} shown\n`);
	});
