// Needs root and BPF: attaches programs by tcx in hosts of their own.
import { cli } from "../../helpers/cli.js";
import { compile } from "../../helpers/compile.js";
import {
	addForeign,
	fails,
	hostWith,
	PINS,
	pins,
	run,
} from "../../helpers/scripts.js";
import {
	addByTcx,
	asFilters,
	byTcx,
	has,
	inOrder,
	tcxPrograms,
	tcxTest,
} from "../../helpers/tcx.js";

const directions = ["ingress", "egress"] as const;

tcxTest(
	"attach --tcx puts one program on each hook, however often, and at once",
	async (t) => {
		const host = await hostWith(t);
		await Promise.all(
			["--", "--tcx"].map((option) => run(host, "attach_tc", "eth0", option)),
		);
		for (const direction of directions) {
			const [one, ...others] = await inOrder(host, direction);
			t.regex(one ?? "", /^(tcx|7717) pfc_/);
			t.deepEqual(others, []);
		}
		const { stdout } = await run(host, "attach_tc", "eth0", "--tcx");
		t.regex(
			stdout,
			/^eth0 ingress: pfc_ingress attached \(program \d+, tcx\)\neth0 egress: pfc_egress attached \(program \d+, tcx\)$/,
		);
		await has(t, host, ...byTcx);
		const shown = await run(host, "show_tc", "eth0");
		t.is(shown.stderr, "");
		t.regex(
			shown.stdout,
			/^eth0 ingress\n {2}tcx program (\d+) pfc_ingress\n {4}ours: program \1, tables .*map_tunnel:\d+.*\neth0 egress\n {2}tcx program (\d+) pfc_egress\n {4}ours: program \2, tables [^\n]*$/,
		);

		await run(host, "attach_tc", "eth0");
		await has(t, host, ...asFilters);
	},
);

tcxTest("reattach leaves each hook as it is; detach knows both", async (t) => {
	const host = await hostWith(t);
	await run(host, "attach_tc", "eth0");
	await run(host, "attach_tc", "eth0", "ingress", "--tcx");
	const mixed = [byTcx[0], asFilters[1]] as const;
	await has(t, host, ...mixed);
	const [before] = await tcxPrograms(host, "ingress");

	const reattached = await run(host, "reattach_tc", "eth0");
	t.regex(
		reattached.stdout,
		/^eth0 ingress: pfc_ingress reattached \(program \d+, tcx\)\neth0 egress: pfc_egress reattached \(program \d+, pref 7717, handle 0x1\)$/,
	);
	await has(t, host, ...mixed);
	t.not((await tcxPrograms(host, "ingress"))[0]?.programId, before?.programId);
	const migrated = await run(host, "reattach_tc", "--migrate");
	t.regex(
		migrated.stdout,
		/\neth0 egress: pfc_egress migrated \(program \d+, pref 7717, handle 0x1\)\neth0 ingress: pfc_ingress migrated \(program \d+, tcx\)$/,
	);
	await has(t, host, ...mixed);

	await fails(
		t,
		host,
		["detach_tc", "lo", "--purge"],
		1,
		"detach_tc.sh: the tables are in use on eth0 ingress; detach there first",
	);
	const detached = await run(host, "detach_tc", "eth0", "--purge");
	t.regex(
		detached.stdout,
		/^eth0 ingress: pfc_ingress detached \(program \d+, tcx\)\neth0 egress: pfc_egress detached \(program \d+, pref 7717, handle 0x1\)\n/,
	);
	await has(t, host, [], []);
	t.deepEqual(await pins(host), []);
	await fails(
		t,
		host,
		["detach_tc", "eth0"],
		3,
		"detach_tc.sh: eth0: nothing of ours is attached",
	);
});

tcxTest("an interface may be named by an alternative name", async (t) => {
	const host = await hostWith(t);
	for (const name of ["alt0", "anothernameofeth0"])
		await host.run("ip", [
			...["link", "property", "add", "dev", "eth0", "altname", name],
		]);
	for (const name of ["alt0", "anothernameofeth0"]) {
		await run(host, "attach_tc", name, "--tcx");
		await run(host, "reattach_tc", name);
		await has(t, host, ...byTcx);
		t.regex((await run(host, "show_tc", name)).stdout, /^eth0 ingress\n.*tcx/);
		await run(host, "attach_tc", name);
		await has(t, host, ...asFilters);
		await run(host, "attach_tc", "eth0", "--tcx");
		const { stdout } = await run(host, "detach_tc", name, "--purge");
		t.regex(stdout, /^eth0 ingress: pfc_ingress detached \(program \d+, tcx\)/);
		await has(t, host, [], []);
	}
});

tcxTest("lo is an interface, too", async (t) => {
	const host = await hostWith(t);
	await run(host, "attach_tc", "eth0");
	await run(host, "attach_tc", "lo", "ingress");
	await run(host, "attach_tc", "lo", "egress", "--tcx");
	const { stdout } = await run(host, "reattach_tc", "--migrate");
	t.regex(stdout, /^lo ingress: pfc_ingress migrated \(program \d+, pref /m);
	t.regex(stdout, /^lo egress: pfc_egress migrated \(program \d+, tcx\)$/m);
	await fails(
		t,
		host,
		["detach_tc", "eth0", "--purge"],
		1,
		"detach_tc.sh: the tables are in use on lo ingress; detach there first",
	);
	await run(host, "detach_tc", "lo");
	await run(host, "detach_tc", "eth0", "--purge");
	t.deepEqual(await pins(host), []);
});

tcxTest("another's tcx programs survive everything", async (t) => {
	const host = await hostWith(t);
	const directory = compile(t, "foreign.bpf.c", "foreign");
	const define = { foreign: "behind" };
	compile(t, "foreign.bpf.c", "behind", { define }, directory);
	await run(host, "attach_tc", "eth0");
	for (const direction of directions) {
		await addByTcx(host, directory, "foreign", direction);
		await run(host, "attach_tc", "eth0", direction, "--tcx");
		await addByTcx(host, directory, "behind", direction);
		await addForeign(host, directory, direction, "10");
	}
	const seen = async () => {
		let sum = 0;
		for (const at of ["/sys/fs/bpf", PINS]) {
			const { stdout } = await host.run("bpftool", [
				...["--json", "map", "dump", "pinned", `${at}/foreign_count`],
			]);
			sum += JSON.parse(stdout)[0].formatted.value;
		}
		return sum;
	};
	const check = async (...ours: string[]) => {
		const before = await seen();
		await host.run("ping", ["-c1", "-W9", "10.0.0.2"]);
		// Three of them on each hook, and a packet each way: they still run.
		t.true((await seen()) >= before + 6);
		for (const direction of directions)
			t.deepEqual(
				await inOrder(host, direction),
				["tcx foreign", "tcx ours", "tcx behind", "10 foreign", "7717 ours"]
					.filter((one) => !one.endsWith("ours") || ours.includes(one))
					.map((one) => one.replace("ours", `pfc_${direction}`)),
			);
	};
	await check("tcx ours");
	await run(host, "reattach_tc", "eth0");
	await check("tcx ours");
	const { stderr } = await run(host, "show_tc", "eth0", "ingress");
	t.regex(
		stderr,
		/^show_tc\.sh: warning: eth0 ingress: tcx program \d+ foreign runs before ours: packets it decides about never reach ours$/,
	);
	await run(host, "reattach_tc", "--migrate", "--entries", "3000");
	await check("tcx ours");
	await run(host, "attach_tc", "eth0");
	await check("7717 ours");
	await run(host, "detach_tc", "eth0", "--purge");
	await check();
});

tcxTest("neither clsact nor its absence matters to tcx", async (t) => {
	const host = await hostWith(t);
	const qdiscs = async () =>
		(await host.run("tc", ["qdisc", "show", "dev", "eth0"])).stdout;
	await host.run("tc", ["qdisc", "add", "dev", "eth0", "ingress"]);
	await run(host, "attach_tc", "eth0", "--tcx");
	await host.run("tc", ["qdisc", "del", "dev", "eth0", "ingress"]);
	t.notRegex(await qdiscs(), /clsact/);
	await has(t, host, ...byTcx);
	await run(host, "attach_tc", "eth0");
	t.regex(await qdiscs(), /clsact/);
	await run(host, "attach_tc", "eth0", "--tcx");
	await host.run("tc", ["qdisc", "del", "dev", "eth0", "clsact"]);
	await has(t, host, ...byTcx);
	await host.run("ping", ["-c1", "-W9", "10.0.0.2"]);
});

tcxTest(
	"the tables of a tcx program are pinned again, and keep their size",
	async (t) => {
		const host = await hostWith(t);
		await run(host, "attach_tc", "eth0", "--tcx");
		await cli(host, "cli_tunnel set 100 10.0.0.1 6080 10.0.0.2 6080");
		await run(host, "reattach_tc", "--migrate", "--entries", "3000");
		for (const name of ["attach_tc", "reattach_tc"]) {
			await host.run("sh", ["-ec", `rm ${PINS}/*`]);
			const { stdout } = await run(host, name, "eth0", "ingress");
			t.regex(stdout, /^map_tunnel: pinned again, 1 entry$/m);
		}
		t.is((await run(host, "show_tc", "eth0", "egress")).stderr, "");
		const { stdout } = await host.run("bpftool", [
			...["map", "show", "pinned", `${PINS}/map_tunnel`],
		]);
		t.regex(stdout, /max_entries 3000/);
		await has(t, host, asFilters[0], byTcx[1]);
	},
);

tcxTest(
	"an interface may have a name that looks like something else",
	async (t) => {
		const names = ["-x", "a&b", "*"];
		const host = await hostWith(t);
		for (const name of names) {
			await host.run("ip", [...["link", "add", "name", name, "type", "veth"]]);
			await run(host, "attach_tc", "--tcx", "--", name, "ingress");
		}
		await run(host, "attach_tc", "--", "*", "egress");
		const { stdout } = await run(host, "reattach_tc", "--migrate");
		const migrated = stdout.split("\n").filter((line) => line.includes("pfc_"));
		t.deepEqual(
			migrated.map((line) => line.replace(/program \d+/, "program N")),
			[
				"* egress: pfc_egress migrated (program N, pref 7717, handle 0x1)",
				...names.map(
					(name) => `${name} ingress: pfc_ingress migrated (program N, tcx)`,
				),
			],
		);
		for (const name of names)
			t.regex(
				(await run(host, "detach_tc", "--", name, "ingress")).stdout,
				/: pfc_ingress detached \(program \d+, tcx\)$/,
			);
		t.is((await cli(host, "cli_tables hooks")).stdout, "");
	},
);
