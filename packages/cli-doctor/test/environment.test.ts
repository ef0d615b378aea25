// Needs root: makes namespaces, mounts over files.
import path from "node:path";
import * as maps from "@sluice/maps";
import { needs, testWith } from "@sluice/testbed";
import test from "ava";
import {
	clsBpf,
	kernelVersion,
	ringBuffer,
	skLookup,
} from "../src/checks/kernel.js";
import { World } from "../src/world.js";
import { type Machine, machine } from "./helpers/machine.js";

const serial = testWith(test.serial as typeof test, needs.root, needs.bpf);
const filtered = `${process.execPath} --import=${import.meta.resolve("tsx")} ${path.join(import.meta.dirname, "fixtures/filtered.ts")}`;

const codes = async (one: Machine, through?: string) =>
	(await one.examine(through)).findings.map(({ code }) => code);

serial("a bpffs hidden by ip netns exec is found and seen again", async (t) => {
	const one = await machine(t);
	await one.sh(
		"mkdir -p /run/netns && mount -t tmpfs none /run/netns && ip netns add blue",
	);
	const { findings } = await one.examine("ip netns exec blue %");
	t.is(findings[0]?.code, "bpffs-hidden");
	t.is(
		findings[0]?.message,
		'"ip netns exec blue" has mounted a new /sys over the bpffs at /sys/fs/bpf',
	);
	const fix = findings[0]?.fix ?? "";
	t.regex(fix, /^nsenter --target=\d+ --mount$/);
	// What nsenter starts is a login shell, with a PATH of its own.
	const { stdout } = await one.sh(
		`ip netns exec blue sh -c 'fix=$(cli_doctor --json | sed -n "s/.*\\"fix\\":\\"\\(nsenter[^\\"]*\\)\\".*/\\1/p"); echo "${one.bin}/cli_doctor; ip -brief link" | SHELL=/bin/sh sh -c "$fix"' || true`,
		"",
		false,
	);
	// Findings of a network namespace without our programs; its one interface is lo.
	t.regex(stdout, /^23 checks, .*\nlo /m);
	t.notRegex(stdout, /bpffs|eth0/);
});

serial("missing capabilities are found, and sudo has them", async (t) => {
	const one = await machine(t);
	const asNobody =
		"setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all sh -c '%'";
	const { findings, skipped } = await one.examine(asNobody);
	t.deepEqual(findings, [
		{
			code: "capability-missing",
			message: "this process lacks CAP_BPF and CAP_NET_ADMIN",
			fix: "sudo cli_doctor",
		},
	]);
	t.true(skipped.length > 0);
	t.is(skipped[0]?.reason, "no CAP_BPF, CAP_NET_ADMIN");
	await one.sh(
		`printf 'Defaults secure_path="%s"\\nnobody ALL=(ALL) NOPASSWD: ALL\\n' "$PATH" >${one.bin}/sudoers && chmod 440 ${one.bin}/sudoers && mount --bind ${one.bin}/sudoers /etc/sudoers`,
	);
	const { stdout } = await one.sh(
		asNobody.replace("%", findings[0]?.fix as string),
	);
	t.is(stdout, "23 checks, 0 findings");
});

serial(
	"root without a capability is told which, and who gives it",
	async (t) => {
		const one = await machine(t);
		const { findings } = await one.examine(
			"setpriv --bounding-set=-net_admin --inh-caps=-net_admin %",
		);
		t.deepEqual(findings, [
			{
				code: "capability-missing",
				message: "this process lacks CAP_NET_ADMIN",
				fix: "docker run --cap-add=NET_ADMIN IMAGE",
			},
		]);
	},
);

serial("a seccomp filter that refuses bpf() is found", async (t) => {
	const one = await machine(t);
	const [finding] = (await one.examine(`${filtered} %`)).findings;
	t.deepEqual(finding, {
		code: "seccomp",
		message:
			"a seccomp filter is on this process, and bpf() is refused although the capabilities are there",
		fix: "docker run --security-opt seccomp=unconfined IMAGE",
	});
	t.deepEqual(await codes(one), []);
});

serial("a locked down kernel that refuses programs is found", async (t) => {
	const one = await machine(t);
	await one.sh(
		"mount -t tmpfs none /sys/kernel/security && echo 'none integrity [confidentiality]' >/sys/kernel/security/lockdown",
	);
	t.deepEqual(await codes(one), [], "it takes programs all the same");
	const { findings } = await one.examine(`${filtered} %`);
	t.deepEqual(findings[1], {
		code: "lockdown",
		message:
			"the kernel is locked down (confidentiality), and refuses programs",
		fix: "sed -i 's/ *lockdown=[a-z]*//' /etc/default/grub && update-grub && reboot",
	});
});

serial("a missing libbpf is found", async (t) => {
	const one = await machine(t);
	await one.sh(
		"mount --bind /dev/null $(readlink -f $(ldconfig -p | sed -n 's/.*libbpf.so.1 .*=> //p'))",
	);
	const { findings, skipped } = await one.examine();
	t.deepEqual(findings[0], {
		code: "libbpf-missing",
		message: "there is no libbpf.so.1 (libbpf 1.0 or later)",
		fix: "apt-get install -y libbpf1",
	});
	t.true(skipped.some(({ reason }) => reason === "no libbpf"));
});

serial("a missing tc is found, and one without libbpf 1.x", async (t) => {
	const one = await machine(t);
	await one.sh(
		`mkdir ${one.bin}/few && ln -s $(command -v node) $(command -v ip) $(command -v env) $(command -v apt-get) ${one.bin}/few/`,
	);
	const { findings, skipped } = await one.examine(
		`PATH=${one.bin}/few ${one.bin}/%`,
	);
	t.deepEqual(findings[0], {
		code: "iproute2-missing",
		message: "there is no tc (iproute2), which attaches the programs",
		fix: "apt-get install -y iproute2",
	});
	t.true(skipped.some(({ reason }) => reason === "no iproute2"));
	await one.sh(
		`printf '#!/bin/sh\\necho tc utility, iproute2-5.10.0\\n' >${one.bin}/tc && chmod +x ${one.bin}/tc`,
	);
	t.deepEqual((await one.examine()).findings[0], {
		code: "iproute2-old",
		message:
			'tc is built without libbpf 1.0 or later ("tc utility, iproute2-5.10.0"), and cannot load the programs',
		fix: "apt-get install -y iproute2",
	});
});

serial("a kernel without type information is found", async (t) => {
	const one = await machine(t);
	await one.sh("mount -t tmpfs none /sys/kernel/btf");
	t.deepEqual(await codes(one), ["kernel-btf"]);
});

/** The kernel is a good one: here it says that it is not. */
const older = (lacks: Partial<typeof maps>) =>
	new World(
		{
			out: () => {},
			err: () => {},
			vars: {},
			isTerminal: false,
			input: () => "",
			kernel: () => Promise.reject(new Error("not asked for")),
		},
		"/sys/fs/bpf",
		{ ...maps, ...lacks },
	);

serial("a kernel without what the programs use is found", async (t) => {
	t.deepEqual(kernelVersion.look(older({})), []);
	t.deepEqual(ringBuffer.look(older({})), []);
	t.deepEqual(skLookup.look(older({})), []);
	t.deepEqual(await clsBpf.look(older({})), []);
	t.like(await kernelVersion.look(older({ hasTcHelper: (n) => n < 163 })), [
		{ code: "kernel-old" },
	]);
	t.like(await ringBuffer.look(older({ hasMapType: () => false })), [
		{ code: "kernel-ringbuf" },
	]);
	t.like(await skLookup.look(older({ hasProgramType: () => false })), [
		{ code: "kernel-sk-lookup" },
	]);
});
