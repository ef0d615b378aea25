// Needs root: makes namespaces.
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { execa } from "execa";
import { fixture, needs, testbed, testWith } from "../src/index.js";

const rootTest = testWith(test.serial, needs.root);

/** Waits for processes to go; how long is the test's time limit. */
async function gone(pids: readonly string[]): Promise<void> {
	while (pids.some((pid) => existsSync(`/proc/${pid}`))) await sleep(20);
}

for (const how of ["SIGINT", "SIGTERM", "SIGKILL", "throw"] as const) {
	rootTest(`nothing outlives an owner that ends by ${how}`, async (t) => {
		t.timeout(60_000, "a process of the testbed stayed behind");
		const owner = execa(...fixture("busy-testbed", how), {
			reject: false,
		});
		for await (const line of owner) {
			const pids = line.split(" ");
			t.is(pids.length, 5);
			if (how !== "throw") {
				t.true(pids.every((pid) => existsSync(`/proc/${pid}`)));
				owner.kill(how);
			}
			await gone(pids);
		}
		const { exitCode, signal } = await owner;
		if (how === "throw") t.is(exitCode, 1);
		else t.is(signal, how);
	});
}

rootTest("close ends what still runs in a host", async (t) => {
	t.timeout(60_000);
	const bed = testbed(t);
	const host = await bed.host("a");
	const shell = host.spawn("sh", ["-c", "sleep 600 & echo child $!; wait"]);
	const [, child = ""] = await shell.ready(/child (\d+)/);

	await bed.close();

	await gone([String(host.pid), String(shell.pid), child]);
	t.is((await shell.ended).signal, "SIGKILL");
});
