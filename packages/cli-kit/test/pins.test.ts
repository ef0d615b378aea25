// Needs root and a kernel with BPF.
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { needs, ownNamespaces, testWith } from "@sluice/testbed";
import test from "ava";
import { runInProcess } from "../testing/index.js";
import { arrayOfNothing } from "./helpers/asks-kernel.js";

const it = testWith(test.serial as typeof test, needs.root, needs.bpf);
if (process.getuid?.() === 0) test.before(() => ownNamespaces());

const ask = (...words: string[]) => runInProcess(arrayOfNothing, words);

it("a directory that is no bpffs is said", async (t) => {
	t.deepEqual(await ask("ask", "--bpffs", "/tmp/none"), {
		code: 4,
		out: "",
		err: "asks: ask: no bpffs at /tmp/none; mount it (mount -t bpf -o mode=0700 bpf /tmp/none), or name another bpffs with --bpffs\n",
	});
	t.deepEqual(await ask("ask", "--bpffs=/tmp", "--json"), {
		code: 4,
		out: "",
		err: '{"error":{"code":"NO_BPFFS","message":"no bpffs at /tmp","hint":"mount it (mount -t bpf -o mode=0700 bpf /tmp), or name another bpffs with --bpffs"}}\n',
	});
});

it("a bpffs without the programs' tables is said", async (t) => {
	const missing = {
		code: 4,
		out: "",
		err: "asks: ask: no pinned tables in /sys/fs/bpf/tc/globals; attach the programs first (scripts/attach_tc.sh), or name another bpffs with --bpffs\n",
	};
	t.deepEqual(await ask("ask"), missing);
	t.deepEqual(await ask("change"), {
		...missing,
		err: missing.err.replace("ask:", "change:"),
	});
	t.deepEqual(
		await runInProcess(arrayOfNothing, ["ask"], {
			vars: { TC_BPF_MNT: "/sys/fs/bpf/elsewhere" },
		}),
		{
			...missing,
			err: missing.err.replace("/sys/fs/bpf/", "/sys/fs/bpf/elsewhere/"),
		},
	);
});

it("one table that is missing is named", async (t) => {
	mkdirSync("/sys/fs/bpf/some/tc/globals", { recursive: true });
	t.teardown(() => rmSync("/sys/fs/bpf/some", { recursive: true }));
	t.deepEqual(await ask("ask", "--bpffs", "/sys/fs/bpf/some"), {
		code: 4,
		out: "",
		err: "asks: ask: open /sys/fs/bpf/some/tc/globals/map_nothing: no such pin (ENOENT); attach the programs first with scripts/attach_tc.sh\n",
	});
});

it("a bpffs that `ip netns exec` has hidden is recognised", async (t) => {
	// iproute2 mounts a new /sys, whose source is the namespace's name.
	execFileSync("sh", [
		"-ec",
		"mount -t tmpfs tmpfs /run; mkdir /run/netns; touch /run/netns/blue; mount -t sysfs blue /sys",
	]);
	t.teardown(() => void execFileSync("umount", ["/sys", "/run"]));
	t.deepEqual(await ask("ask"), {
		code: 4,
		out: "",
		err: 'asks: ask: no bpffs at /sys/fs/bpf: "ip netns exec blue" has mounted a new /sys over it; enter the network namespace alone: nsenter --net=/run/netns/blue …\n',
	});
});
