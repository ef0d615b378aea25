import { readSync, writeSync } from "node:fs";
import type { StringDecoder } from "node:string_decoder";
import type { Env } from "./env.js";
import { badInput, Failure } from "./failure.js";
import { fileCause } from "./file-cause.js";

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;

/** The process's own streams, environment and kernel. */
export const realEnv: Env = {
	out: (text) => {
		try {
			write(STDOUT, text);
		} catch (error) {
			throw outputFailure(error);
		}
	},
	err: (text) => {
		try {
			write(STDERR, text, () => {});
		} catch {
			// EPIPE of stderr as well.
		}
	},
	vars: process.env,
	get isTerminal() {
		return isTerminal(STDOUT);
	},
	get isErrTerminal() {
		return isTerminal(STDERR);
	},
	get columns() {
		return process.stdout.columns;
	},
	inputPart: () => readPart(),
	input: () => {
		let text = "";
		for (let more = readPart(); more !== undefined; more = readPart())
			text += more;
		return text + (decoder?.end() ?? "");
	},
	stopped: () => {
		const controller = new AbortController();
		for (const signal of ["SIGINT", "SIGTERM"] as const)
			process.once(signal, () => controller.abort());
		return controller.signal;
	},
	holdSignals: () => {
		const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
		const end = (signal: NodeJS.Signals) => {
			for (const one of signals) process.off(one, end);
			process.kill(process.pid, signal);
		};
		for (const signal of signals) process.on(signal, end);
		return async () => {
			// Node calls `end` when it next polls.
			await new Promise((resolve) => setImmediate(resolve));
			for (const signal of signals) process.off(signal, end);
		};
	},
	kernel: () => import("@sluice/maps"),
};

/** Loaded when called: Node's terminals load its sockets, which take a tenth of a short command's time. */
const isTerminal = (fd: number) =>
	process.getBuiltinModule("node:tty").isatty(fd);

function outputFailure(cause: unknown): Failure {
	const { code = "EIO" } = cause as NodeJS.ErrnoException;
	return new Failure("failed", `write standard output: ${fileCause(cause)}`, {
		code,
		hint: "what was asked for may have been done",
		cause,
	});
}

/** Output is encoded into one buffer, which grows: a new one for each write is slow to allocate. */
let encoded = Buffer.alloc(0);

function write(fd: number, text: string, readerGone?: () => void): void {
	const most = MOST_BYTES * text.length;
	if (most > encoded.length) encoded = Buffer.allocUnsafeSlow(most);
	writeAll(fd, encoded, readerGone, encoded.write(text));
}

/** Bytes of UTF-8 that a unit of a JavaScript string can come to. */
const MOST_BYTES = 3;

/**
 * Writes the first `size` bytes before it returns, without Node's streams, which cost milliseconds to set up.
 *
 * @param readerGone called when the reader has closed the pipe (`| head`). By default it ends the program quietly, as
 * SIGPIPE would have.
 */
export function writeAll(
	fd: number,
	bytes: Uint8Array,
	readerGone: () => void = () => process.exit(128 + 13),
	size: number = bytes.length,
): void {
	for (let at = 0; at < size; ) {
		try {
			at += writeSync(fd, bytes, at, size - at);
		} catch (error) {
			const { code } = error as NodeJS.ErrnoException;
			if (code === "EPIPE") {
				readerGone();
				return;
			}
			if (code !== "EAGAIN") throw error;
			// A non-blocking pipe is full: wait for its reader.
			sleep(1);
		}
	}
}

const part = Buffer.allocUnsafeSlow(65_536);
let decoder: StringDecoder | undefined;

/** Reads available bytes, and waits only if there are none. */
function readPart(): string | undefined {
	for (let wait = 0.05; ; wait = Math.min(2 * wait, 5)) {
		try {
			const size = readSync(STDIN, part);
			if (size === 0) return undefined;
			decoder ??= makeDecoder();
			return decoder.write(part.subarray(0, size));
		} catch (error) {
			const { code } = error as NodeJS.ErrnoException;
			if (code === "EOF") return undefined;
			if (code !== "EAGAIN")
				throw badInput(`read standard input: ${fileCause(error)}`);
			sleep(wait);
		}
	}
}

/** Loaded when input is first read. A TextDecoder takes ten times as long for a short part. */
const makeDecoder = () =>
	new (process.getBuiltinModule("node:string_decoder").StringDecoder)();

/** Milliseconds; the whole process waits. */
function sleep(milliseconds: number): void {
	Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
