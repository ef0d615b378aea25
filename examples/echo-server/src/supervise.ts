import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import {
	AF_UNIX,
	bind,
	check,
	recv,
	SOCK_DGRAM,
	sockaddrUnix,
	socket,
} from "./libc.js";
import { commandOf, readUnit, type Unit } from "./unit.js";

// Runs one systemd service where systemd is not PID 1: ExecStart, then, when it has said READY=1, each ExecStartPost,
// then "started" on standard output. It stops with the service, and SIGTERM stops both.
//
//   supervise FILE.service

const MSG_DONTWAIT = 0x40;
/** Milliseconds until a service must be ready; TimeoutStartSec of a unit is not looked at. */
const PATIENCE = 30_000;

async function supervise(path: string): Promise<void> {
	const unit = readUnit(path);
	const directory = mkdtempSync(join(tmpdir(), "supervise-"));
	try {
		const address = join(directory, "notify");
		const notify = listen(address);
		const main = start(unit, address);
		const ended = once(main, "exit");
		process.once("SIGTERM", () => main.kill("SIGTERM"));
		await ready(notify, main);
		await afterwards(unit, main);
		process.stdout.write("started\n");
		await ended;
	} finally {
		rmSync(directory, { recursive: true });
	}
}

function listen(path: string): number {
	const fd = check(socket(AF_UNIX, SOCK_DGRAM, 0), "socket");
	const name = sockaddrUnix(path);
	check(bind(fd, name, name.length), `bind ${path}`);
	return fd;
}

function start(unit: Unit, notifySocket: string): ChildProcess {
	const [line = ""] = unit.get("ExecStart");
	const [file, ...args] = commandOf(line, process.env);
	return spawn(file, args, {
		stdio: ["ignore", "inherit", "inherit"],
		env: { ...process.env, NOTIFY_SOCKET: notifySocket },
	});
}

async function ready(notify: number, main: ChildProcess): Promise<void> {
	const message = Buffer.alloc(4096);
	const end = performance.now() + PATIENCE;
	while (performance.now() < end) {
		if (main.exitCode !== null || main.signalCode !== null)
			throw new Error("the service ended before it was ready");
		const length = Number(recv(notify, message, message.length, MSG_DONTWAIT));
		const lines = message.toString("utf8", 0, Math.max(length, 0)).split("\n");
		if (lines.includes("READY=1")) return;
		await setTimeout(10);
	}
	main.kill("SIGKILL");
	throw new Error("the service did not say that it is ready");
}

async function afterwards(unit: Unit, main: ChildProcess): Promise<void> {
	const variables = { ...process.env, MAINPID: String(main.pid) };
	for (const line of unit.get("ExecStartPost")) {
		const [file, ...args] = commandOf(line, variables);
		const child = spawn(file, args, { stdio: ["ignore", 2, "inherit"] });
		const [code] = await once(child, "exit");
		if (code === 0) continue;
		main.kill("SIGTERM");
		throw new Error(`${line}: ended with ${code}`);
	}
}

supervise(process.argv[2] as string).catch((error: Error) => {
	console.error(`supervise: ${error.message}`);
	process.exitCode = 1;
});
