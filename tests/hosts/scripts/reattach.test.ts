// Needs root and BPF: attaches programs in hosts of their own.
import { compile } from "../../helpers/compile.js";
import { script } from "../../helpers/paths.js";
import {
	bpfTest,
	fails,
	hostWith,
	pins,
	pinsOfObjects,
	programs,
} from "../../helpers/scripts.js";

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
			/^\w+\.sh: load \S+\/pfc_ingress_tc\.o: its tables are not the pinned ones: map_tunnel value is 48, the object has 56, map_tunnel max_entries is 262144, the object has 1000; nothing was changed, reattach_tc\.sh --migrate copies the entries into new tables$/,
			env,
		);
	}

	t.deepEqual({ pins: await pins(host), filters: (await tc()).stdout }, before);

	// Also without bpftool the kernel refuses, and tc prints the table.
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

bpfTest(
	"caches of another size are no obstacle, and leave no pin",
	async (t) => {
		const host = await hostWith(t);
		const env = {
			SLUICE_BPF_DIR: compile(t, "other_caches.bpf.c", "pfc_ingress_tc"),
		};
		await host.run(script("attach_tc"), ["eth0", "ingress"], { env });
		t.deepEqual(await pins(host), ["map_memo"]);

		await host.run(script("reattach_tc"), ["eth0"]);

		t.deepEqual(await pins(host), pinsOfObjects());
		t.is((await host.run(script("show_tc"), ["eth0"])).stderr, "");
		await host.run(script("reattach_tc"), ["eth0", "ingress"], { env });
		t.true((await pins(host)).includes("map_memo"), "as the object asks");
	},
);
