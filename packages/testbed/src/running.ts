import type { Readable, Writable } from "node:stream";

/** A command that runs during the test. */
export type Running = {
	/** Of the command itself. */
	readonly pid: number;
	/** What it has printed so far. */
	readonly stdout: string;
	readonly stderr: string;
	/** Written to its standard input. */
	write(text: string): void;
	/** Closes its standard input. */
	end(): void;
	/** Waits for a match in its output. @throws it ended without one. */
	ready(
		pattern: RegExp,
		stream?: "stdout" | "stderr",
	): Promise<RegExpMatchArray>;
	/** Sends a signal and waits for the end. */
	stop(signal?: NodeJS.Signals): Promise<void>;
	/** How it ended, by itself or by a signal. */
	readonly ended: Promise<Ended>;
};

/** As much of execa's subprocess as is used here. */
export type Subprocess = PromiseLike<Ended> & {
	pid?: number | undefined;
	stdin: Writable;
	stdout: Readable;
	stderr: Readable;
	kill(signal: NodeJS.Signals): boolean;
};

export type Ended = {
	exitCode?: number | undefined;
	signal?: string | undefined;
};

export function running(name: string, process: Subprocess): Running {
	const text = { stdout: "", stderr: "" };
	const waiting = new Set<() => void>();
	for (const stream of ["stdout", "stderr"] as const) {
		process[stream].setEncoding("utf8");
		process[stream].on("data", (chunk: string) => {
			text[stream] += chunk;
			for (const look of waiting) look();
		});
	}
	// EPIPE: the command has ended, which its exit code reports.
	process.stdin.on("error", () => {});
	const ended = Promise.resolve(process);

	return {
		pid: process.pid as number,
		get stdout() {
			return text.stdout;
		},
		get stderr() {
			return text.stderr;
		},
		write: (line) => void process.stdin.write(line),
		end: () => void process.stdin.end(),
		ended,
		async stop(signal = "SIGTERM") {
			process.kill(signal);
			await ended;
		},
		ready(pattern, stream = "stdout") {
			return new Promise((resolve, reject) => {
				const look = () => {
					const match = text[stream].match(pattern);
					if (!match) return;
					waiting.delete(look);
					resolve(match);
				};
				waiting.add(look);
				look();
				void ended.then(({ exitCode, signal }) => {
					look();
					reject(
						new Error(
							`${name} ended (${signal ?? exitCode}) before it printed ${pattern}: ${text.stderr}`,
						),
					);
				});
			});
		},
	};
}
