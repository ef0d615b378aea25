// Needs root and BPF: attaching by tcx where something fails, or ends it.
import { copyFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Host } from "@sluice/testbed";
import type { ExecutionContext } from "ava";
import { bin, cli } from "../../helpers/cli.js";
import { compile } from "../../helpers/compile.js";
import { ownDirectory } from "../../helpers/own-directory.js";
import { root, script } from "../../helpers/paths.js";
import { fails, hostWith, pins, run } from "../../helpers/scripts.js";
import { asFilters, byTcx, has, tcxTest } from "../../helpers/tcx.js";

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
			// Without npm's directories, which have cli_tables.
			env: {
				PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
				SLUICE_BPF_DIR: `${root}/bpf/dist`,
			},
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
