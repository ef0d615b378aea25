// Needs root: makes namespaces.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import test from "ava";
import { needs, testbed, testWith } from "../src/index.js";

const rootTest = testWith(test.serial, needs.root);

rootTest("a host has interfaces and a bpffs of its own", async (t) => {
	const bed = testbed(t);
	const [a, b] = [await bed.host("a"), await bed.host("b")];

	await a.run("mkdir", ["/sys/fs/bpf/only-a"]);

	t.regex((await a.run("ls", ["/sys/fs/bpf"])).stdout, /only-a/);
	t.notRegex((await b.run("ls", ["/sys/fs/bpf"])).stdout, /only-a/);
	t.is((await a.run("stat", ["-fc", "%T", "/sys/fs/bpf"])).stdout, "bpf_fs");
	const links = await a.run("ip", ["-o", "link"]);
	t.regex(links.stdout, /^1: lo: .*UP/);
	t.is(links.stdout.split("\n").length, 1);
});

rootTest("run returns output, exit code and signal", async (t) => {
	const bed = testbed(t);
	const host = await bed.host("a");

	t.deepEqual(
		await host.run("sh", ["-c", "cat; echo bad >&2; echo $X; exit 3"], {
			input: "in ",
			env: { X: "out" },
			reject: false,
		}),
		{ stdout: "in out", stderr: "bad", exitCode: 3, signal: undefined },
	);
	t.is((await host.run("pwd", [], { cwd: "/etc" })).stdout, "/etc");
	t.is((await host.run("pwd")).stdout, process.cwd());
	t.like(await host.run("sh", ["-c", "kill -9 $$"], { reject: false }), {
		signal: "SIGKILL",
	});
	await t.throwsAsync(host.run("sh", ["-c", "echo bad >&2; exit 5"]), {
		message: "a: sh -c echo bad >&2; exit 5: 5\nbad",
	});
});

rootTest("a host's node is the one that runs the test", async (t) => {
	const bed = testbed(t);
	const host = await bed.host("a");

	const { stdout } = await host.run("node", ["-p", "process.execPath"]);
	t.is(stdout, process.execPath);
});

rootTest("a host's shell reads no file of the user's", async (t) => {
	const bed = testbed(t);
	const host = await bed.host("a");
	const home = await mkdtemp(path.join(tmpdir(), "home-"));
	t.teardown(() => rm(home, { recursive: true }));
	await writeFile(path.join(home, ".bashrc"), "echo from .bashrc\n");

	const { stdout } = await host.run("bash", ["-c", "echo done"], {
		env: { HOME: home },
	});
	t.is(stdout, "done");
});

rootTest("a spawned command can be written to, read and stopped", async (t) => {
	const bed = testbed(t);
	const host = await bed.host("a");

	const cat = host.spawn("cat");
	cat.write("one two\n");
	const [, word] = await cat.ready(/one (\w+)/);
	t.is(word, "two");
	cat.end();
	t.is((await cat.ended).exitCode, 0);

	const sleep = host.spawn("sleep", ["600"]);
	await sleep.stop("SIGTERM");
	t.is((await sleep.ended).signal, "SIGTERM");

	const failing = host.spawn("sh", ["-c", "echo why >&2; exit 7"]);
	await t.throwsAsync(failing.ready(/never/), {
		message: "a: sh ended (7) before it printed /never/: why\n",
	});
});
