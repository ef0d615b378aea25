import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { dirname, join } from "node:path";
import { type Cli, type Env, realEnv, run } from "@sluice/cli-kit";
import { needs, ownNamespaces, testWith } from "@sluice/testbed";
import test from "ava";
import { attachProgram } from "../src/attach.js";
import { updateProgram } from "../src/update.js";

const object = join(
	dirname(createRequire(import.meta.url).resolve("@sluice/bpf/package.json")),
	"dist/echo_dispatch.bpf.o",
);
const kernelTest = testWith(test.serial as typeof test, needs.root, needs.bpf);

test.before(() => {
	if (needs.root()) return;
	ownNamespaces();
	execFileSync("ip", ["link", "set", "lo", "up"]);
	execFileSync("mkdir", ["/sys/fs/bpf/maps"]);
	execFileSync("bpftool", [
		...["prog", "load", object, "/sys/fs/bpf/prog"],
		...["pinmaps", "/sys/fs/bpf/maps"],
	]);
});

async function command(program: Cli, ...args: string[]) {
	const ended = { out: "", err: "" };
	const env: Env = {
		...realEnv,
		out: (text) => {
			ended.out += text;
		},
		err: (text) => {
			ended.err += text;
		},
	};
	return { code: await run(program, args, env), ...ended };
}

const descriptor = (server: Server) =>
	(server as unknown as { _handle: { fd: number } })._handle.fd;

const greeting = (port: number) =>
	new Promise<string>((resolve) => {
		const socket = connect({ host: "127.0.0.1", port });
		socket.on("data", (data) => resolve(String(data)));
		socket.on("error", (error: NodeJS.ErrnoException) =>
			resolve(error.code as string),
		);
	});

kernelTest("A socket serves a port that it is not bound to", async (t) => {
	const server = createServer((socket) => void socket.end("hello")).listen(
		0,
		"127.0.0.1",
	);
	await once(server, "listening");
	t.teardown(() => void server.close());
	const { port } = server.address() as AddressInfo;

	const update = await command(
		updateProgram,
		...[String(process.pid), String(descriptor(server))],
		...["/sys/fs/bpf/maps/echo_socket", "--json"],
	);
	t.is(update.code, 0, update.err);
	const { key, socket } = JSON.parse(update.out);
	t.is(key, 0);
	const dump = JSON.parse(
		execFileSync(
			"bpftool",
			["--json", "map", "dump", "pinned", "/sys/fs/bpf/maps/echo_socket"],
			{ encoding: "utf8" },
		),
	);
	const stored = dump[0].value
		.reverse()
		.map((byte: string) => byte.slice(2))
		.join("");
	t.is(socket, `sk:${BigInt(`0x${stored}`).toString(16)}`);

	const attach = await command(
		attachProgram,
		...["/sys/fs/bpf/prog", "/sys/fs/bpf/link", "--json"],
	);
	t.is(attach.code, 0, attach.err);
	t.is(JSON.parse(attach.out).netns, statSync("/proc/self/ns/net").ino);

	t.is(await greeting(7), "ECONNREFUSED");
	execFileSync("bpftool", [
		...["map", "update", "pinned", "/sys/fs/bpf/maps/echo_ports"],
		...["key", "7", "0", "value", "0"],
	]);
	t.is(await greeting(7), "hello");
	t.is(await greeting(port), "hello");
	t.is(await greeting(8), "ECONNREFUSED");
});

kernelTest("A link is not pinned over another", async (t) => {
	const { code, err } = await command(
		attachProgram,
		"/sys/fs/bpf/prog",
		"/sys/fs/bpf/prog",
	);
	t.is(code, 1);
	t.is(
		err,
		"sk-lookup-attach: pin /sys/fs/bpf/prog: it is there already (EEXIST)\n",
	);
});

kernelTest("what is not there is an error", async (t) => {
	t.deepEqual(
		await command(attachProgram, "/sys/fs/bpf/none", "/sys/fs/bpf/link2"),
		{
			code: 4,
			out: "",
			err: "sk-lookup-attach: open /sys/fs/bpf/none: no such pin (ENOENT)\n",
		},
	);
	t.deepEqual(
		await command(
			updateProgram,
			...[String(process.pid), "999", "/sys/fs/bpf/maps/echo_socket"],
		),
		{
			code: 1,
			out: "",
			err: "sockmap-update: take descriptor 999: no such descriptor (EBADF)\n",
		},
	);
	const other = await command(
		updateProgram,
		...[String(process.pid), "0", "/sys/fs/bpf/maps/echo_ports"],
	);
	t.is(other.code, 4);
	t.true(other.err.includes("type is hash, not sockmap"), other.err);
	for (const [program, words, code, err] of [
		[
			attachProgram,
			["maps/echo_ports", "x"],
			1,
			"open /sys/fs/bpf/maps/echo_ports: it is a map, not a program (EINVAL)",
		],
		[
			updateProgram,
			["1", "0", "prog"],
			1,
			"open /sys/fs/bpf/prog: it is a program, not a map (EINVAL)",
		],
	] as const)
		t.deepEqual(
			await command(
				program,
				...words.map((word) =>
					/^\d/.test(word) ? word : `/sys/fs/bpf/${word}`,
				),
			),
			{ code, out: "", err: `${program.name}: ${err}\n` },
		);
	const [own, map] = [String(process.pid), "/sys/fs/bpf/maps/echo_socket"];
	for (const [words, code, err] of [
		[
			[own, "0", map, "1"],
			2,
			'map-key must be an integer from 0 to 0, got "1"',
		],
		[
			[own, "0", "/etc/passwd"],
			4,
			"open /etc/passwd: no such pin (EACCES); there is no bpffs there",
		],
	] as const)
		t.deepEqual(await command(updateProgram, ...words), {
			code,
			out: "",
			err: `sockmap-update: ${err}\n`,
		});
});

test("A descriptor is a number", async (t) => {
	t.deepEqual(await command(updateProgram, "1", "x", "/sys/fs/bpf/map"), {
		code: 2,
		out: "",
		err: 'sockmap-update: fd must be an integer from 0 to 2147483647, got "x"\n',
	});
	t.is((await command(updateProgram, "1")).code, 2);
});
