// Needs root and BPF: attaches programs in hosts of their own.
import { type Host, needs, testbed, testWith } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";
import { compile } from "../helpers/compile.js";
import { asNobody } from "../helpers/nobody.js";
import { script } from "../helpers/paths.js";

const bpfTest = testWith(test.serial, needs.root, needs.bpf);

const PINS = "/sys/fs/bpf/tc/globals";

/** A host with one interface, and nothing attached to it. */
async function hostWith(t: ExecutionContext, name = "eth0"): Promise<Host> {
	t.timeout(180_000);
	const bed = await testbed();
	t.teardown(() => bed.close());
	const host = await bed.host("host");
	const peer = await bed.host("peer");
	await bed.link(
		{ host, name, addresses: ["10.0.0.1/24", "fd00::1/64"] },
		{ host: peer, name: "eth0", addresses: ["10.0.0.2/24", "fd00::2/64"] },
	);
	return host;
}

/** The bpf programs on a hook, in the order in which they run. */
async function programs(
	host: Host,
	direction: "ingress" | "egress",
	name = "eth0",
): Promise<string[]> {
	const { stdout } = await host.run("tc", [
		...["filter", "show", "dev", name, direction],
	]);
	return [...stdout.matchAll(/pref (\d+) bpf .* name (\S+) tag/g)].map(
		([, pref, program]) => `${pref} ${program}`,
	);
}

/** Adds the filter of fixtures/foreign.bpf.c. */
async function addForeign(
	host: Host,
	directory: string,
	direction: string,
	pref: string,
): Promise<void> {
	await host.run("tc", [
		...["filter", "add", "dev", "eth0", direction, "pref", pref],
		...["bpf", "direct-action", "object-file", `${directory}/foreign.o`],
		...["section", "tc"],
	]);
}

async function pins(host: Host): Promise<string[]> {
	const { stdout } = await host.run("ls", [PINS]);
	return stdout.split("\n").filter((name) => name !== "");
}

/** A script that is to fail with a code and one line. */
async function fails(
	t: ExecutionContext,
	host: Host,
	[name, ...args]: [string, ...string[]],
	exitCode: number,
	stderr: string | RegExp,
	env: Record<string, string> = {},
): Promise<void> {
	const result = await host.run(script(name), args, { env, reject: false });
	t.like(result, { exitCode, stdout: "" }, result.stderr);
	if (typeof stderr === "string") t.is(result.stderr, stderr);
	else t.regex(result.stderr, stderr);
}

bpfTest("attach puts one program on each hook, however often", async (t) => {
	const host = await hostWith(t);

	const first = await host.run(script("attach_tc"), ["eth0"]);
	t.regex(
		first.stdout,
		/^eth0 ingress: pfc_ingress attached \(program \d+, pref 7717, handle 0x1\)\neth0 egress: pfc_egress attached \(program \d+, pref 7717, handle 0x1\)$/,
	);
	await host.run(script("attach_tc"), ["eth0"]);
	t.deepEqual(await programs(host, "ingress"), ["7717 pfc_ingress"]);
	t.deepEqual(await programs(host, "egress"), ["7717 pfc_egress"]);

	// At another preference the one of before is ours all the same.
	await host.run(script("attach_tc"), ["eth0"], {
		env: { SLUICE_TC_PREF: "5" },
	});
	t.deepEqual(await programs(host, "ingress"), ["5 pfc_ingress"]);
	t.deepEqual(await programs(host, "egress"), ["5 pfc_egress"]);

	await host.run(script("detach_tc"), ["eth0"]);
	t.deepEqual(await programs(host, "ingress"), []);
	t.deepEqual(await programs(host, "egress"), []);
});

bpfTest("one direction leaves the other alone", async (t) => {
	const host = await hostWith(t);

	await host.run(script("attach_tc"), ["eth0", "ingress"]);
	t.deepEqual(await programs(host, "ingress"), ["7717 pfc_ingress"]);
	t.deepEqual(await programs(host, "egress"), []);

	await host.run(script("attach_tc"), ["eth0", "egress"]);
	await host.run(script("detach_tc"), ["eth0", "ingress"]);
	t.deepEqual(await programs(host, "ingress"), []);
	t.deepEqual(await programs(host, "egress"), ["7717 pfc_egress"]);
});

bpfTest(
	"two attaches at once leave one program and one set of tables",
	async (t) => {
		const host = await hostWith(t);

		await Promise.all(
			[1, 2, 3, 4].map(() => host.run(script("attach_tc"), ["eth0"])),
		);

		t.deepEqual(await programs(host, "ingress"), ["7717 pfc_ingress"]);
		t.deepEqual(await programs(host, "egress"), ["7717 pfc_egress"]);
		t.is((await host.run(script("show_tc"), ["eth0"])).stderr, "");
	},
);

bpfTest("another's filters and tables survive everything", async (t) => {
	const host = await hostWith(t);
	const directory = compile(t, "foreign.bpf.c", "foreign");
	await host.run("tc", ["qdisc", "add", "dev", "eth0", "clsact"]);
	for (const direction of ["ingress", "egress"]) {
		for (const pref of ["10", "60000"]) {
			await addForeign(host, directory, direction, pref);
		}
		await host.run("tc", [
			...["filter", "add", "dev", "eth0", direction, "pref", "20"],
			...["protocol", "ip", "u32", "match", "ip", "dst", "203.0.113.1"],
			...["flowid", "1:1"],
		]);
	}
	const foreign = ["10 foreign", "60000 foreign"];
	const seen = async () => {
		const { stdout } = await host.run("bpftool", [
			...["--json", "map", "dump", "pinned", `${PINS}/foreign_count`],
		]);
		return JSON.parse(stdout)[0].formatted.value as number;
	};
	const check = async (ours: boolean) => {
		const before = await seen();
		await host.run("ping", ["-c1", "-W9", "10.0.0.2"]);
		// Two of them on each hook, and a packet each way: they still run.
		t.true((await seen()) >= before + 4);
		for (const direction of ["ingress", "egress"] as const) {
			const expected = ours
				? [foreign[0], `7717 pfc_${direction}`, foreign[1]]
				: foreign;
			t.deepEqual(await programs(host, direction), expected as string[]);
			const all = await host.run("tc", [
				...["filter", "show", "dev", "eth0", direction],
			]);
			t.regex(all.stdout, /pref 20 u32 .*flowid 1:1/);
		}
		t.true((await pins(host)).includes("foreign_count"));
	};
	await check(false);

	await host.run(script("attach_tc"), ["eth0"]);
	await check(true);
	await host.run(script("reattach_tc"), ["eth0"]);
	await check(true);
	await host.run(script("detach_tc"), ["eth0"]);
	await check(false);
	await host.run(script("attach_tc"), ["eth0"]);
	await host.run(script("detach_tc"), ["eth0", "--purge"]);
	await check(false);

	const { stdout } = await host.run("tc", ["qdisc", "show", "dev", "eth0"]);
	t.regex(stdout, /clsact/);
});

bpfTest("attach refuses a place that another's filter holds", async (t) => {
	const host = await hostWith(t);
	const directory = compile(t, "foreign.bpf.c", "foreign");
	await host.run("tc", ["qdisc", "add", "dev", "eth0", "clsact"]);
	await addForeign(host, directory, "egress", "7717");

	await fails(
		t,
		host,
		["attach_tc", "eth0"],
		1,
		"attach_tc.sh: eth0 egress: pref 7717 handle 0x1 is taken by program foreign; choose another with SLUICE_TC_PREF",
	);
	t.deepEqual(await programs(host, "ingress"), []);
	t.deepEqual(await programs(host, "egress"), ["7717 foreign"]);

	await host.run(script("attach_tc"), ["eth0"], {
		env: { SLUICE_TC_PREF: "7718" },
	});
	t.deepEqual(await programs(host, "egress"), [
		"7717 foreign",
		"7718 pfc_egress",
	]);

	await host.run("tc", [
		...["filter", "add", "dev", "eth0", "ingress", "pref", "9"],
		...["protocol", "ip", "u32", "match", "u32", "0", "0", "flowid", "1:1"],
	]);
	await fails(
		t,
		host,
		["attach_tc", "eth0"],
		1,
		/^attach_tc\.sh: eth0 ingress: pref 9 is taken by another filter \(protocol ip pref 9 u32 .*\); choose another with SLUICE_TC_PREF$/,
		{ SLUICE_TC_PREF: "9" },
	);
});

bpfTest("detach keeps the tables, --purge removes ours", async (t) => {
	const host = await hostWith(t);
	await host.run(script("attach_tc"), ["eth0"]);
	const attached = await pins(host);
	t.true(attached.includes("map_tunnel"));

	await host.run(script("detach_tc"), ["eth0"]);
	t.deepEqual(await pins(host), attached);

	const purged = await host.run(script("detach_tc"), ["eth0", "--purge"]);
	t.is(
		purged.stdout,
		`${PINS}: ${attached.length} tables removed`,
		"every pin of the objects is known to the scripts",
	);
	t.deepEqual(await pins(host), []);
});

bpfTest("--purge refuses while the tables are in use elsewhere", async (t) => {
	const host = await hostWith(t);
	await host.run("ip", ["link", "add", "other", "type", "veth"]);
	await host.run(script("attach_tc"), ["eth0"]);
	await host.run(script("attach_tc"), ["other", "egress"]);

	await fails(
		t,
		host,
		["detach_tc", "eth0", "--purge"],
		1,
		"detach_tc.sh: the tables are in use on other egress; detach there first",
	);
	t.deepEqual(await programs(host, "ingress"), ["7717 pfc_ingress"]);
});

bpfTest("detach of nothing is told by the exit code", async (t) => {
	const host = await hostWith(t);

	await fails(
		t,
		host,
		["detach_tc", "eth0"],
		3,
		"detach_tc.sh: eth0: nothing of ours is attached",
	);
	await host.run(script("detach_tc"), ["eth0", "--if-exists"]);
	await host.run(script("detach_tc"), ["eth0", "--purge"]);
	t.pass();
});

bpfTest("reattach changes nothing when the tables do not match", async (t) => {
	const host = await hostWith(t);
	await host.run(script("attach_tc"), ["eth0"]);
	const tc = () => host.run("tc", ["filter", "show", "dev", "eth0", "ingress"]);
	const before = { pins: await pins(host), filters: (await tc()).stdout };
	const env = {
		SLUICE_BPF_DIR: compile(t, "other_tables.bpf.c", "pfc_ingress_tc"),
	};

	for (const name of ["reattach_tc", "attach_tc"]) {
		await fails(
			t,
			host,
			[name, "eth0", "ingress"],
			1,
			/^\w+\.sh: load \S+\/pfc_ingress_tc\.o: its tables are not the pinned ones: map_tunnel value is 48, the object has 56, map_tunnel max_entries is 262144, the object has 1000; nothing was changed, detach_tc\.sh --purge removes the pinned tables with all their entries$/,
			env,
		);
	}

	t.deepEqual({ pins: await pins(host), filters: (await tc()).stdout }, before);

	// Without bpftool the kernel refuses all the same, and tc names the table.
	await host.run("mount", ["--bind", "/dev/null", "/usr/sbin/bpftool"]);
	await fails(
		t,
		host,
		["reattach_tc", "eth0", "ingress"],
		1,
		/^reattach_tc\.sh: eth0 ingress: load \S+: couldn't reuse pinned map at '\S+map_tunnel': parameter mismatch$/,
		env,
	);
	t.deepEqual({ pins: await pins(host), filters: (await tc()).stdout }, before);
});

bpfTest("an object that does not load leaves the old program", async (t) => {
	const host = await hostWith(t);
	await host.run(script("attach_tc"), ["eth0"]);
	const before = await programs(host, "ingress");
	const env = {
		SLUICE_BPF_DIR: compile(t, "refused.bpf.c", "pfc_ingress_tc"),
	};

	await fails(
		t,
		host,
		["reattach_tc", "eth0", "ingress"],
		1,
		/^reattach_tc\.sh: load \S+\/pfc_ingress_tc\.o: prog 'pfc_ingress': BPF program load failed: Permission denied$/,
		env,
	);
	t.deepEqual(await programs(host, "ingress"), before);
	t.is((await host.run(script("show_tc"), ["eth0"])).exitCode, 0);
});

for (const name of ["eth0.10", "a-b_c.d", "up@down", "x@if7", "ingress"]) {
	bpfTest(`an interface may be called ${name}`, async (t) => {
		const host = await hostWith(t, name);

		const attached = await host.run(script("attach_tc"), [name, "ingress"]);
		t.true(attached.stdout.startsWith(`${name} ingress: pfc_ingress attached`));
		t.deepEqual(await programs(host, "ingress", name), ["7717 pfc_ingress"]);
		const shown = await host.run(script("show_tc"), [name, "ingress"]);
		t.regex(shown.stdout, /ours: program \d+/);
		await host.run(script("detach_tc"), [name, "ingress"]);
		t.deepEqual(await programs(host, "ingress", name), []);
		await fails(
			t,
			host,
			["attach_tc"],
			2,
			`attach_tc.sh: no default route to tell the interface; name one of: ${name}`,
		);
	});
}

bpfTest("without an interface it is that of the default route", async (t) => {
	const host = await hostWith(t);
	await host.run("ip", ["link", "add", "other", "type", "veth"]);
	await fails(
		t,
		host,
		["attach_tc"],
		2,
		/^attach_tc\.sh: no default route to tell the interface; name one of: .*\beth0\b/,
	);

	await host.route("default", "10.0.0.2");
	await host.route("default", "fd00::2");
	const attached = await host.run(script("attach_tc"), ["egress"]);
	t.regex(attached.stdout, /^eth0 egress: pfc_egress attached/);
	const detached = await host.run(script("detach_tc"));
	t.regex(detached.stdout, /^eth0 egress: pfc_egress detached/);

	await host.run("ip", ["link", "set", "other", "up"]);
	await host.run("ip", [
		...["route", "add", "default", "dev", "other", "metric", "9"],
	]);
	await fails(
		t,
		host,
		["attach_tc"],
		2,
		"attach_tc.sh: several default routes; name one of: eth0 other",
	);
});

bpfTest("bad usage is told before anything is done", async (t) => {
	const host = await hostWith(t);
	const usage = (line: string, ...args: string[]) =>
		fails(t, host, ["attach_tc", ...args], 2, `attach_tc.sh: ${line}`);

	await usage(
		'the direction must be ingress or egress, got "up"; see attach_tc.sh --help',
		...["eth0", "up"],
	);
	await usage(
		'unexpected argument "more"; see attach_tc.sh --help',
		...["eth0", "ingress", "more"],
	);
	await usage(
		'unknown option "--purge"; see attach_tc.sh --help',
		...["eth0", "--purge"],
	);
	await fails(
		t,
		host,
		["attach_tc", "eth0"],
		2,
		'attach_tc.sh: SLUICE_TC_PREF must be an integer from 1 to 65535, got "70000"',
		{ SLUICE_TC_PREF: "70000" },
	);
	await fails(
		t,
		host,
		["attach_tc", "eth1"],
		3,
		'attach_tc.sh: no interface "eth1"; there are: eth0',
	);
	await fails(
		t,
		host,
		["attach_tc", "eth0"],
		4,
		"attach_tc.sh: no pfc_ingress_tc.o in /nowhere; build it with make, or name its directory with SLUICE_BPF_DIR",
		{ SLUICE_BPF_DIR: "/nowhere" },
	);
	const help = await host.run(script("attach_tc"), ["--help"]);
	t.regex(help.stdout, /^attach_tc\.sh \[<interface>\] \[ingress\|egress\]/);
});

for (const name of ["attach_tc", "detach_tc", "reattach_tc", "show_tc"]) {
	bpfTest(`${name}.sh without root is one clear line`, async (t) => {
		const host = await hostWith(t);
		const result = await asNobody(host, name, "eth0");
		t.like(result, {
			exitCode: 4,
			stdout: "",
			stderr: `${name}.sh: not permitted; run as root`,
		});
	});
}

bpfTest("attach mounts the bpffs where it is not", async (t) => {
	const host = await hostWith(t);
	await host.run("umount", ["/sys/fs/bpf"]);

	await host.run(script("attach_tc"), ["eth0"]);

	const type = await host.run("stat", ["-fc", "%T", "/sys/fs/bpf"]);
	t.is(type.stdout, "bpf_fs");
	t.true((await pins(host)).includes("map_config"));
});

bpfTest("TC_BPF_MNT names another bpffs", async (t) => {
	const host = await hostWith(t);
	await host.run("sh", [
		...["-ec", "mount -t tmpfs none /mnt; mkdir /mnt/bpf"],
	]);
	const env = { TC_BPF_MNT: "/mnt/bpf" };

	await host.run(script("attach_tc"), ["eth0"], { env });

	const { stdout } = await host.run("ls", ["/mnt/bpf/tc/globals"]);
	t.regex(stdout, /map_config/);
	await t.throwsAsync(host.run("ls", [PINS]));
	const purged = await host.run(script("detach_tc"), ["eth0", "--purge"], {
		env,
	});
	t.regex(purged.stdout, /^\/mnt\/bpf\/tc\/globals: \d+ tables removed$/m);
});

bpfTest("a bpffs hidden by ip netns exec is recognised", async (t) => {
	const host = await hostWith(t);
	await host.run("sh", ["-ec", "mount -t tmpfs none /run"]);
	await host.run("ip", ["netns", "add", "inner"]);
	const result = await host.run(
		"ip",
		["netns", "exec", "inner", script("attach_tc"), "lo"],
		{ reject: false },
	);
	t.like(result, {
		exitCode: 4,
		stdout: "",
		stderr:
			"attach_tc.sh: /sys/fs/bpf is hidden by ip netns exec; use nsenter --net=/run/netns/inner instead",
	});
});

bpfTest("an ingress qdisc takes ingress and refuses egress", async (t) => {
	const host = await hostWith(t);
	await host.run("tc", ["qdisc", "add", "dev", "eth0", "ingress"]);

	await fails(
		t,
		host,
		["attach_tc", "eth0"],
		1,
		"attach_tc.sh: eth0: has an ingress qdisc, which has no egress hook; replace it by clsact first",
	);
	await host.run(script("attach_tc"), ["eth0", "ingress"]);
	t.deepEqual(await programs(host, "ingress"), ["7717 pfc_ingress"]);
});

bpfTest("show marks ours with its program and its tables", async (t) => {
	const host = await hostWith(t);
	t.is(
		(await host.run(script("show_tc"), ["eth0"])).stdout,
		"eth0 ingress\n  no filter\neth0 egress\n  no filter",
	);
	await host.run(script("attach_tc"), ["eth0"]);

	const shown = await host.run(script("show_tc"), ["eth0"]);

	t.is(shown.stderr, "");
	t.regex(
		shown.stdout,
		/^eth0 ingress\n {2}protocol all pref 7717 bpf .*name pfc_ingress .*\n {4}ours: program \d+, tables .*map_tunnel:\d+.*\neth0 egress\n/,
	);
});

bpfTest("show warns of a filter before ours, not of one after", async (t) => {
	const host = await hostWith(t);
	const directory = compile(t, "foreign.bpf.c", "foreign");
	await host.run(script("attach_tc"), ["eth0"]);
	await addForeign(host, directory, "ingress", "9000");
	t.is((await host.run(script("show_tc"), ["eth0"])).stderr, "");

	await addForeign(host, directory, "ingress", "10");
	const shown = await host.run(script("show_tc"), ["eth0"]);
	t.is(shown.exitCode, 0);
	t.regex(
		shown.stderr,
		/^show_tc\.sh: warning: eth0 ingress: protocol all pref 10 bpf .*name foreign .* runs before ours: packets it decides about never reach ours$/,
	);
});

bpfTest("show warns of programs with other tables than the pins", async (t) => {
	const host = await hostWith(t);
	await host.run(script("attach_tc"), ["eth0"]);
	await host.run("rm", [`${PINS}/map_tunnel`]);

	const missing = await host.run(script("show_tc"), ["eth0"], {
		reject: false,
	});
	t.is(missing.exitCode, 1);
	t.regex(
		missing.stderr,
		/warning: eth0 ingress: program \d+ uses map \d+ as map_tunnel, the pin in \/sys\/fs\/bpf\/tc\/globals is not there/,
	);

	await host.run(script("reattach_tc"), ["eth0", "ingress"]);
	const split = await host.run(script("show_tc"), ["eth0"], { reject: false });
	t.is(split.exitCode, 1);
	t.notRegex(split.stderr, /eth0 ingress/);
	t.regex(
		split.stderr,
		/eth0 egress: program \d+ uses map \d+ as map_tunnel, the pin in \S+ is \d+\nshow_tc\.sh: the attached programs and \S+ have different tables; reattach_tc\.sh makes them one$/,
	);

	await host.run(script("reattach_tc"), ["eth0"]);
	t.is((await host.run(script("show_tc"), ["eth0"])).stderr, "");
});
