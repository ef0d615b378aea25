import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
	copyFileSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	renameSync,
	rmSync,
	statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { close, linkInfo, openPin } from "@sluice/maps";
import { compileBpf } from "@sluice/testbed";
import test from "ava";
import { attached, directory, PINS, states } from "../helpers/dispatcher.js";
import { killedAt } from "../helpers/killed.js";
import { kernelTest, ownHost } from "../helpers/own-host.js";
import { json, must, tubectl, tubectlWith } from "../helpers/tubectl.js";

test.before(ownHost);
test.afterEach.always(() => tubectl("unload"));

kernelTest(
	"load says where it loads, and makes what tubular makes",
	async (t) => {
		t.deepEqual(await tubectl("load"), {
			code: 0,
			out: `created dispatcher in ${directory()}\nloaded dispatcher into /proc/self/ns/net\n`,
			err: "",
		});
		t.deepEqual(readdirSync(directory()).sort(), PINS);
		t.is(statSync(directory()).mode & 0o7777, 0o750);
		for (const name of readdirSync(directory()))
			t.is(statSync(`${directory()}/${name}`).mode & 0o7777, 0o640, name);
		t.is(attached(), 1);
	},
);

for (const [name, type, key, value, entries, flags] of [
	["bindings", "lpm_trie", 23, 8, 1_000_000, 1],
	["destinations", "hash", 257, 8, 1024, 0],
	["destination_metrics", "percpu_array", 4, 24, 1024, 0],
	["sockets", "sockmap", 4, 8, 1024, 0],
] as const)
	kernelTest(`The map ${name} is as tubular has it`, async (t) => {
		await must("load");
		const shown = JSON.parse(
			execFileSync(
				"bpftool",
				["--json", "map", "show", "pinned", `${directory()}/${name}`],
				{ encoding: "utf8" },
			),
		);
		t.like(shown, {
			type,
			bytes_key: key,
			bytes_value: value,
			max_entries: entries,
			flags,
		});
	});

kernelTest(
	"load where it is loaded changes nothing, and is no failure",
	async (t) => {
		await must("load");
		await must("bind", "foo", "tcp", "127.0.0.1", "80");
		t.deepEqual(await tubectl("load"), {
			code: 0,
			out: "",
			err: `tubectl: load: dispatcher already loaded in ${directory()}; use "tubectl upgrade" to replace it\n`,
		});
		t.is((await json("bindings")).bindings.length, 1);
		t.is((await json("load")).loaded, false);
		t.is(attached(), 1);
	},
);

kernelTest(
	"unload removes everything, and is no failure where there is nothing",
	async (t) => {
		await must("load");
		await must("bind", "foo", "tcp", "127.0.0.1", "80");
		t.is(await must("unload"), "unloaded dispatcher from /proc/self/ns/net\n");
		t.deepEqual(states(), []);
		t.is(attached(), 0);
		t.deepEqual(await tubectl("unload"), {
			code: 0,
			out: "",
			err: `tubectl: unload: dispatcher not loaded in ${directory()}\n`,
		});
	},
);

const needsLoaded = [
	["status"],
	["bindings"],
	["upgrade"],
	["who", "tcp", "127.0.0.1", "80"],
	["bind", "foo", "tcp", "127.0.0.1", "80"],
	["unregister", "foo", "ipv4", "tcp"],
];
for (const args of needsLoaded)
	kernelTest(`${args[0]} needs a dispatcher`, async (t) => {
		t.deepEqual(await tubectl(...args), {
			code: 4,
			out: "",
			err: `tubectl: ${args[0]}: dispatcher not loaded in ${directory()}; load it with "tubectl load"\n`,
		});
	});

kernelTest(
	"A dispatcher of another namespace is reached by its path",
	async (t) => {
		// A process that holds a namespace; the mounts, and so the bpffs, are ours.
		const holder = spawn("unshare", ["--net", "sh", "-c", "echo up; read _"], {
			stdio: ["pipe", "pipe", "inherit"],
		});
		t.teardown(() => holder.kill());
		await once(holder.stdout, "data");
		const path = `/proc/${holder.pid}/ns/net`;
		t.is(
			await must("-netns", path, "load"),
			`created dispatcher in /sys/fs/bpf/${statSync(path).ino}_dispatcher\nloaded dispatcher into ${path}\n`,
		);
		t.is((await tubectl("status")).code, 4);
		t.is((await tubectl("--netns", path, "status")).code, 0);
		t.is(attached(), 0);
		await must("--netns", path, "unload");
	},
);

kernelTest("A dispatcher whose namespace is gone is a leftover", async (t) => {
	const holder = spawn("unshare", ["--net", "sh", "-c", "echo up; read _"], {
		stdio: ["pipe", "pipe", "inherit"],
	});
	await once(holder.stdout, "data");
	const path = `/proc/${holder.pid}/ns/net`;
	const { ino } = statSync(path);
	await must("-netns", path, "load");
	await must("-netns", path, "bind", "foo", "tcp", "127.0.0.1", "80");
	await must("load");
	t.is(await must("prune"), "no leftovers\n");
	holder.kill();
	await once(holder, "exit");
	// The namespace's number is ours now, as far as the directory's name says.
	const dead = `/sys/fs/bpf/${ino}_dispatcher`;
	await until(() => netnsOf(`${dead}/link`) === 0);
	await must("unload");
	renameSync(dead, directory());
	for (const command of [
		["status"],
		["bindings"],
		["who", "tcp", "127.0.0.1", "80"],
	])
		t.deepEqual(await tubectl(...command), {
			code: 4,
			out: "",
			err: `tubectl: ${command[0]}: ${directory()} is a leftover of a network namespace that is gone; remove it with "tubectl prune"\n`,
		});
	t.is((await tubectl("bind", "foo", "tcp", "::1", "80")).code, 4);
	t.is(await must("prune"), `removed ${directory()}\n`);
	t.deepEqual(states(), []);
	await must("load");
	t.deepEqual((await json("prune")).removed, []);
});

function netnsOf(path: string): number {
	const link = openPin(path);
	try {
		return linkInfo(link).netnsInode;
	} finally {
		close(link);
	}
}

/** Namespaces are freed a moment after their last process has ended. */
async function until(isTrue: () => boolean): Promise<void> {
	while (!isTrue()) await setTimeout(10);
}

kernelTest("What is not a namespace is refused", async (t) => {
	t.deepEqual(await tubectl("-netns", "/etc/passwd", "load"), {
		code: 2,
		out: "",
		err: 'tubectl: load: netns must be a path to a network namespace, got "/etc/passwd"; such paths are /proc/PID/ns/net and /run/netns/NAME\n',
	});
	t.is((await tubectl("-netns=", "load")).code, 2);
	t.deepEqual(await tubectl("-netns", "/nowhere", "load"), {
		code: 4,
		out: "",
		err: "tubectl: load: open network namespace /nowhere: no such file (ENOENT)\n",
	});
});

kernelTest("What is not a bpffs is refused", async (t) => {
	t.deepEqual(await tubectl("-bpffs", "/tmp", "load"), {
		code: 4,
		out: "",
		err: "tubectl: load: no bpffs at /tmp; mount it (mount -t bpf -o mode=0700 bpf /tmp), or name another bpffs with --bpffs\n",
	});
});

kernelTest(
	"A program that the verifier refuses is an error, and nothing is left",
	async (t) => {
		const directory = mkdtempSync(join(tmpdir(), "refused-"));
		t.teardown(() => rmSync(directory, { recursive: true }));
		const refused = join(import.meta.dirname, "../fixtures/refused.bpf.c");
		copyFileSync(compileBpf(refused), join(directory, "dispatcher.o"));
		t.deepEqual(await tubectlWith({ SLUICE_BPF_DIR: directory }, "load"), {
			code: 4,
			out: "",
			err: `tubectl: load: load ${directory}/dispatcher.o: the kernel's verifier refuses the program: R0 invalid mem access 'map_value_or_null' (EACCES); it may be meant for a newer kernel\n`,
		});
		t.deepEqual(states(), []);
	},
);

kernelTest(
	"load needs the compiled program, and leaves nothing without it",
	async (t) => {
		const { code, err } = await tubectlWith(
			{ SLUICE_BPF_DIR: "/nowhere" },
			"load",
		);
		t.is(code, 4);
		t.is(
			err,
			"tubectl: load: no dispatcher.o in /nowhere; name its directory with SLUICE_BPF_DIR\n",
		);
		t.deepEqual(states(), []);
	},
);

for (const step of [
	"directory",
	"maps",
	"program",
	"attached",
	"link",
	"modes",
])
	kernelTest(
		`A load killed after "${step}" leaves nothing that counts`,
		async (t) => {
			killedAt(t, "load", step);
			t.is((await tubectl("status")).code, 4);
			await must("load");
			t.is(states().length, 1);
			t.is(attached(), 1);
		},
	);

kernelTest(
	"What an unload that was killed has left is removed by the next load",
	async (t) => {
		await must("load");
		rmSync(`${directory()}/link`);
		t.is((await tubectl("bind", "foo", "tcp", "127.0.0.1", "80")).code, 4);
		await must("load");
		t.is(attached(), 1);
	},
);

kernelTest(
	"An empty directory does not stand in the way of load",
	async (t) => {
		mkdirSync(directory());
		await must("load");
		t.is(attached(), 1);
	},
);
