import { readFileSync, writeSync } from "node:fs";
import { isatty } from "node:tty";
import type { Env } from "./env.js";

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;

/** The process's own streams, environment and kernel. */
export const realEnv: Env = {
	out: (text) => write(STDOUT, text),
	err: (text) => write(STDERR, text),
	vars: process.env,
	get isTerminal() {
		return isatty(STDOUT);
	},
	input: () => readFileSync(STDIN, "utf8"),
	kernel: () => import("@sluice/maps"),
};

/**
 * Writes all of it before it returns, without Node's streams, which cost milliseconds to set up. A reader that has
 * gone (`| head`) ends the program quietly, as the signal would have.
 */
function write(fd: number, text: string): void {
	const bytes = Buffer.from(text, "utf8");
	for (let at = 0; at < bytes.length; ) {
		try {
			at += writeSync(fd, bytes, at);
		} catch (error) {
			const { code } = error as NodeJS.ErrnoException;
			if (code === "EPIPE") process.exit(128 + 13);
			if (code !== "EAGAIN") throw error;
			// A pipe that somebody made non-blocking is full: give its reader a moment.
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
		}
	}
}
