// The built program, run as a person runs it.

import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
	cpSync,
	mkdtempSync,
	readdirSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { withTables } from "@sluice/cli-kit/testing";
import { Address } from "@sluice/maps/address";
import { decapTable, tunnelTable } from "@sluice/maps/tables";
import test from "ava";
import manifest from "../package.json" with { type: "json" };
import { cli } from "../src/cli.js";

const it = withTables(test);
const built = path.join(import.meta.dirname, "../dist/cli_tunnel.cjs");

/** The checkout, and where its users find it who may not enter the first, in root's home for one. */
const checkout = path.join(import.meta.dirname, "../../..");
const forOthers = (file: string) => file.replace(checkout, "/mnt");

interface Options {
	bpffs: string;
	uid?: number;
	bin?: string;
	stdout?: string;
	stderr?: string;
}

/** Runs it to its end, with a uid from /mnt; `stdout` and `stderr` are files to write to. */
function run(
	words: string,
	{ bpffs, uid, bin = built, stdout, stderr }: Options,
) {
	const place = uid === undefined ? (file: string) => file : forOthers;
	const redirect = `${stdout ? `>${stdout}` : ""} ${stderr ? `2>${stderr}` : ""}`;
	const { status, ...rest } = spawnSync(
		"sh",
		["-c", `exec "$0" ${words} ${redirect}`, place(bin)],
		{
			encoding: "utf8",
			env: {
				PATH: process.env.PATH?.split(":").map(place).join(":"),
				TC_BPF_MNT: bpffs,
			},
			cwd: "/",
			...(uid === undefined ? {} : { uid, gid: uid }),
		},
	);
	return { code: status, out: rest.stdout, err: rest.stderr };
}

it("the program prints, fails and exits as it does in process", (t, tables) => {
	const shown = "TUN\t     100\t  172.1.0.4:6080 -> 0.0.0.0:0\n";
	t.deepEqual(run("set 100 172.1.0.4 6080 0 0", tables), {
		code: 0,
		out: shown,
		err: "",
	});
	t.deepEqual(run("get 100", tables), {
		code: 0,
		out: `${shown.trimEnd()}\tunknown\tno ping\nDECAP\tudp\t172.1.0.4:6080\t1\n1 tunnel, 1 local endpoint\n`,
		err: "",
	});
	t.deepEqual(run("get 42", tables), {
		code: 3,
		out: "",
		err: "cli_tunnel: get: no tunnel 42\n",
	});
	t.deepEqual(run("get 4x", tables), {
		code: 2,
		out: "",
		err: 'cli_tunnel: get: id must be an integer from 0 to 4294967295, or all, got "4x"\n',
	});
	t.deepEqual(run("get 1", { bpffs: "/tmp" }), {
		code: 4,
		out: "",
		err: "cli_tunnel: get: no bpffs at /tmp; mount it (mount -t bpf -o mode=0700 bpf /tmp), or name another bpffs with --bpffs\n",
	});
	t.is(run("--version", tables).out, `${manifest.version}\n`);
	t.regex(run("--help", tables).out, /^cli_tunnel: program GUE tunnels\n/);
});

it("help and mistakes need no library", async (t, tables) => {
	const alone = mkdtempSync(path.join(tmpdir(), "alone-"));
	t.teardown(() => rmSync(alone, { recursive: true }));
	cpSync(path.dirname(built), alone, { recursive: true });
	const bin = path.join(alone, "cli_tunnel.cjs");
	for (const words of ["--help", "set -h", "completion --help", "gte 1"])
		t.deepEqual(
			run(words, { ...tables, bin }),
			await tables.run(cli, words),
			words,
		);
});

it("V8 takes the code cache, and the program runs without it", (t) => {
	const folder = mkdtempSync(path.join(tmpdir(), "cache-"));
	t.teardown(() => rmSync(folder, { recursive: true }));
	const dist = path.join(folder, "dist");
	cpSync(path.dirname(built), dist, { recursive: true });
	cpSync(
		path.join(import.meta.dirname, "../package.json"),
		path.join(folder, "package.json"),
	);
	const bin = path.join(dist, "cli_tunnel.cjs");
	// The build's is for the Node.js that built.
	spawnSync(process.execPath, [
		path.join(import.meta.dirname, "../../bundle/code-cache.cjs"),
		bin,
	]);
	const printModules = path.join(folder, "print-modules.cjs");
	writeFileSync(
		printModules,
		`const vm = require("node:vm");
		vm.Script = class extends vm.Script {
			constructor(...args) {
				super(...args);
				console.log("refused:", this.cachedDataRejected);
			}
		};`,
	);
	const start = () =>
		execFileSync(
			process.execPath,
			["--require", printModules, bin, "--version"],
			{
				encoding: "utf8",
			},
		);

	t.is(start(), `refused: false\n${manifest.version}\n`);

	const cache = path.join(
		dist,
		readdirSync(dist).find((name) => name.endsWith(".cache")) ?? "",
	);
	writeFileSync(cache, "another version's");
	t.is(start(), `refused: true\n${manifest.version}\n`);
	rmSync(cache);
	t.is(start(), `refused: undefined\n${manifest.version}\n`);
});

it("without root's rights there is an error, and bad input is reported before it", (t, tables) => {
	execFileSync("chmod", ["755", "/sys/fs/bpf", tables.bpffs]);
	execFileSync("mount", ["--bind", checkout, "/mnt"]);
	const nobody = { bpffs: tables.bpffs, uid: 65_534 };
	for (const line of ["get all", "set 1 10.0.0.1 1 0 0", "del all"]) {
		const { code, out, err } = run(line, nobody);
		t.deepEqual([code, out], [4, ""]);
		// By the rights of the file, or where the kernel asks for CAP_BPF first.
		t.is(
			err.replace("EACCES", "EPERM"),
			`cli_tunnel: ${line.split(" ")[0]}: open ${tables.pins}/map_tunnel: not permitted (EPERM); run as root or with CAP_BPF and CAP_NET_ADMIN\n`,
		);
	}
	t.is(run("get x", nobody).code, 2);
	t.is(run("--version", nobody).code, 0);
});

it("output that cannot be written is an error, and what was done stays done", (t, tables) => {
	t.deepEqual(
		run("set 100 172.1.0.4 6080 0 0", {
			bpffs: tables.bpffs,
			stdout: "/dev/full",
		}),
		{
			code: 1,
			out: "",
			err: "cli_tunnel: set: write standard output: no space left (ENOSPC); what was asked for may have been done\n",
		},
	);
	t.truthy(tables.open(tunnelTable).get(100));
	// No stream can be written; the exit code says so.
	const mute = { bpffs: tables.bpffs, stderr: "/dev/full" };
	t.deepEqual(run("get 42", mute), { code: 3, out: "", err: "" });
	t.deepEqual(run("get 100", { ...mute, stderr: "&-" }).code, 0);
	t.is(run("get 100", { bpffs: tables.bpffs, stdout: "&-" }).code, 0);
});

it("a reader that goes away ends it quietly", (t, tables) => {
	const tunnels = tables.open(tunnelTable);
	// More than a pipe holds.
	tunnels.setMany(
		Array.from({ length: 1000 }, (_, id) => [
			id,
			{
				local: Address.of("2001:db8:1111:2222:3333:4444:5555:6666"),
				localPort: 6080,
				remote: Address.of("2001:db8:1111:2222:3333:4444:5555:6666"),
				remotePort: 6080,
				lastPing: 0n,
			},
		]),
	);
	const { stdout, stderr } = spawnSync(
		"bash",
		["--norc", "-c", '"$0" get all | head -1; echo $PIPESTATUS', built],
		{
			encoding: "utf8",
			env: { PATH: process.env.PATH, TC_BPF_MNT: tables.bpffs },
		},
	);
	t.regex(stdout, /^TUN\t {7}0\t.*\n141\n$/);
	t.is(stderr, "");
});

it("20 writers at once lose nothing of each other", async (t, tables) => {
	const ends = Array.from({ length: 20 }, (_, id) => {
		const child = spawn(
			built,
			["set", String(id), "10.0.0.1", "6080", "0", "0"],
			{
				env: { PATH: process.env.PATH, TC_BPF_MNT: tables.bpffs },
				stdio: "ignore",
			},
		);
		return new Promise((resolve) => child.once("exit", resolve));
	});
	t.deepEqual(await Promise.all(ends), Array(20).fill(0));
	t.is([...tables.open(tunnelTable).entries()].length, 20);
	t.deepEqual(
		[...tables.open(decapTable).entries()].map(([, references]) => references),
		[20],
	);
});
