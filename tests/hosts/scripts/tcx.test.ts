// Needs root and BPF: attaches programs in hosts of their own.
import { copyFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Host } from "@sluice/testbed";
import type { ExecutionContext } from "ava";
import { bin, cli } from "../../helpers/cli.js";
import { compile } from "../../helpers/compile.js";
import { ownDirectory } from "../../helpers/own-directory.js";
import { root, script } from "../../helpers/paths.js";
import {
	addForeign,
	fails,
	hostWith,
	PINS,
	pins,
} from "../../helpers/scripts.js";
import { addByTcx, inOrder, tcxPrograms, tcxTest } from "../../helpers/tcx.js";

const directions = ["ingress", "egress"] as const;

const run = (host: Host, name: string, ...args: string[]) =>
	host.run(script(name), args);

/** That a hook of eth0 has these programs. */
const has = async (
	t: ExecutionContext,
	host: Host,
	ingress: readonly string[],
	egress: readonly string[],
) => {
	t.deepEqual(await inOrder(host, "ingress"), ingress as string[]);
	t.deepEqual(await inOrder(host, "egress"), egress as string[]);
};

const byTcx = [["tcx pfc_ingress"], ["tcx pfc_egress"]] as const;
const asFilters = [["7717 pfc_ingress"], ["7717 pfc_egress"]] as const;

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

tcxTest(
	"purge takes no tables from what was attached while it waited for the lock",
	async (t) => {
		const host = await hostWith(t);
		await run(host, "attach_tc", "eth0");
		await host.run("ip", ["link", "add", "other", "type", "veth"]);
		const pin = "/sys/fs/bpf/ours";
		const object = `${root}/bpf/dist/pfc_egress_tc.o`;
		await cli(host, `cli_tables load ${object} ${pin}`);
		await host.run("sh", [
			"-ec",
			`mount -t tmpfs none /run; mkdir /run/wrap
			cat >/run/wrap/flock <<'END'
#!/bin/sh
${process.execPath} ${bin("cli_tables")} attach other egress ${pin}
exec /usr/bin/flock "$@"
END
			chmod +x /run/wrap/flock`,
		]);
		const purge = (device: string) =>
			host.run(script("detach_tc"), [device, "--purge"], {
				env: { PATH: `/run/wrap:${process.env.PATH}` },
				reject: false,
			});
		t.like(await purge("eth0"), {
			exitCode: 1,
			stderr:
				"detach_tc.sh: the tables are in use on other egress; detach there first",
		});
		await has(t, host, ...asFilters);
		await run(host, "detach_tc", "eth0");
		await run(host, "detach_tc", "other");
		t.like(await purge("other"), { exitCode: 0, stderr: "" });
		t.is((await cli(host, "cli_tables hooks")).stdout, "");
		t.deepEqual(await pins(host), []);
	},
);

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

/**
 * Has a signal sent to the process group of a script when the cli_tables that it runs makes its n-th change.
 * By then Node.js has taken back that the script ignores it.
 */
async function signalled(
	t: ExecutionContext,
	host: Host,
	line: string,
	signal: string,
	change: number,
): Promise<void> {
	const directory = ownDirectory(t);
	writeFileSync(
		path.join(directory, "signal.cjs"),
		`const fs = require("node:fs");
		const changes = "${directory}/changes";
		if (/^(attach|detach|exchange)$/.test(process.argv[2])) {
			fs.appendFileSync(changes, ".");
			const group = fs.readFileSync(\`/proc/\${process.ppid}/stat\`, "utf8").replace(/.*\\) /, "").split(" ")[2];
			if (fs.statSync(changes).size === ${change}) {
				process.kill(-group, "${signal}");
				if ("${signal}" === "SIGKILL") process.kill(process.pid, "SIGKILL");
			}
		}`,
	);
	writeFileSync(
		path.join(directory, "wrap"),
		`#!/bin/sh\nexec ${process.execPath} --require=${directory}/signal.cjs /mnt/${path.relative(root, bin("cli_tables"))} "$@"\n`,
		{ mode: 0o755 },
	);
	await host.run("sh", [
		"-ec",
		`mount --bind ${root} /mnt; mount --bind ${directory}/wrap ${bin("cli_tables")}`,
	]);
	await host.run("bash", ["-c", `setsid -w ${line}`], { reject: false });
	await host.run("umount", [bin("cli_tables")]);
	await host.run("umount", ["--lazy", "/mnt"]);
}

for (const [signal, change] of [
	["SIGINT", 1],
	["SIGTERM", 2],
] as const)
	tcxTest(
		`${signal} at change ${change} leaves both hooks attached by tcx, or none`,
		async (t) => {
			const host = await hostWith(t);
			const attach = `${script("attach_tc")} eth0 --tcx`;
			await signalled(t, host, attach, signal, change);
			await has(t, host, ...byTcx);
			const detach = `${script("detach_tc")} eth0`;
			await signalled(t, host, detach, signal, change);
			await has(t, host, [], []);
		},
	);

tcxTest(
	"killed after the first hook, attach leaves egress, and detach too",
	async (t) => {
		const host = await hostWith(t);
		const egressOnly = [[], byTcx[1]] as const;
		const attach = `${script("attach_tc")} eth0 --tcx`;
		await signalled(t, host, attach, "SIGKILL", 2);
		await has(t, host, ...egressOnly);
		// A program that is pinned and not attached would have it refused.
		await run(host, "reattach_tc", "--migrate");
		t.is((await host.run("ls", ["/sys/fs/bpf/tc"])).stdout, "globals");
		await run(host, "attach_tc", "eth0", "--tcx");
		await signalled(t, host, `${script("detach_tc")} eth0`, "SIGKILL", 2);
		await has(t, host, ...egressOnly);
	},
);

tcxTest(
	"an object that does not load leaves what is there, or nothing",
	async (t) => {
		const host = await hostWith(t);
		const directory = compile(t, "refused.bpf.c", "pfc_ingress_tc");
		copyFileSync(
			`${root}/bpf/dist/pfc_egress_tc.o`,
			`${directory}/pfc_egress_tc.o`,
		);
		const refuses = (cause: string) =>
			fails(
				t,
				host,
				["attach_tc", "eth0", "--tcx"],
				1,
				new RegExp(
					`^attach_tc\\.sh: load \\S+/pfc_ingress_tc\\.o: .*${cause}[^\\n]*$`,
				),
				{ SLUICE_BPF_DIR: directory },
			);
		await refuses("EACCES");
		await has(t, host, [], []);
		t.deepEqual(await pins(host), []);
		await run(host, "attach_tc", "eth0");
		await refuses("Permission denied");
		await has(t, host, ...asFilters);
	},
);

tcxTest("scripts alone attach filters, and say what --tcx needs", async (t) => {
	const host = await hostWith(t);
	const directory = ownDirectory(t);
	await host.run("sh", ["-ec", `cp ${root}/scripts/*.sh ${directory}`]);
	const attach = (...options: string[]) =>
		host.run(`${directory}/attach_tc.sh`, ["eth0", "ingress", ...options], {
			env: { SLUICE_BPF_DIR: `${root}/bpf/dist` },
			reject: false,
		});
	t.like(await attach("--tcx"), {
		exitCode: 4,
		stderr:
			"attach_tc.sh: no cli_tables beside the scripts or in PATH; build or install it",
	});
	t.like(await attach(), { exitCode: 0, stderr: "" });
	await has(t, host, asFilters[0], []);
});

tcxTest("without CAP_SYS_ADMIN cli_status goes on", async (t) => {
	const host = await hostWith(t);
	await run(host, "attach_tc", "eth0", "--tcx");
	const status = [bin("cli_status"), "--json", "--seconds", "0.1"];
	const seen = await host.run(process.execPath, status);
	t.is(JSON.parse(seen.stdout).programs.length, 2);
	const { stdout } = await host.run("setpriv", [
		...["--bounding-set=-sys_admin", process.execPath, ...status],
	]);
	t.deepEqual(JSON.parse(stdout).programs, []);
});
