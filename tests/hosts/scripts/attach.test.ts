// Needs root and BPF: attaches programs in hosts of their own.
import { compile } from "../../helpers/compile.js";
import { script } from "../../helpers/paths.js";
import {
	addForeign,
	bpfTest,
	fails,
	hostWith,
	PINS,
	pins,
	programs,
} from "../../helpers/scripts.js";

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

	// A filter of ours at another preference is still recognised.
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

bpfTest("attach mounts the bpffs where it is not", async (t) => {
	const host = await hostWith(t);
	// The machine's own may be below.
	await host.run("sh", [
		"-ec",
		"while mountpoint -q /sys/fs/bpf; do umount /sys/fs/bpf; done",
	]);

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

bpfTest(
	"without CAP_SYS_ADMIN it refuses: the kernel would not name the programs",
	async (t) => {
		const host = await hostWith(t);

		const result = await host.run(
			"setpriv",
			["--bounding-set=-sys_admin", script("attach_tc"), "eth0"],
			{ reject: false },
		);

		t.is(result.exitCode, 4);
		t.is(
			result.stderr,
			"attach_tc.sh: not permitted without CAP_SYS_ADMIN: the kernel does not name attached programs",
		);
		t.deepEqual(await programs(host, "ingress"), []);
	},
);
