import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";

/** A command that runs beside the test. */
export interface Beside {
	/** What it printed so far; the escape character is shown as `␛`. */
	readonly printed: string;
	/** Waits for a match. @throws where the command ends without one. */
	shows(pattern: RegExp): Promise<RegExpMatchArray>;
	/** Types on its keyboard: `\x03` is Ctrl-C. */
	type(text: string): void;
	kill(signal: NodeJS.Signals): void;
	/** How it ended. On a terminal there are no two streams. */
	readonly ended: Promise<{ code: number | null; out: string; err: string }>;
}

type Variables = Record<string, string>;

/** Runs a command on a pseudo-terminal, as a person has one. */
export function onTerminal(
	words: readonly string[],
	size: { rows: number; columns: number },
	env: Variables = {},
): Beside {
	const quoted = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`);
	const command = `stty rows ${size.rows} columns ${size.columns}; exec ${quoted.join(" ")}`;
	return follow(
		spawn(
			"script",
			["--quiet", "--return", "--flush", "--command", command, "/dev/null"],
			{ env: { PATH: process.env.PATH, SHELL: "/bin/sh", ...env } },
		),
	);
}

/** Runs a command whose output goes into pipes. */
export const intoPipes = (
	[file = "", ...words]: readonly string[],
	env: Variables = {},
): Beside =>
	follow(spawn(file, words, { env: { PATH: process.env.PATH, ...env } }));

function follow(child: ChildProcessWithoutNullStreams): Beside {
	const text = { out: "", err: "" };
	const waiting = new Set<() => void>();
	let isOver = false;
	const look = () => {
		for (const one of waiting) one();
	};
	for (const [name, stream] of [
		["out", child.stdout],
		["err", child.stderr],
	] as const)
		stream.setEncoding("utf8").on("data", (part: string) => {
			text[name] += part.replaceAll("\x1b", "␛");
			look();
		});
	const ended = new Promise<{ code: number | null; out: string; err: string }>(
		(resolve, reject) => {
			child.once("error", reject);
			child.once("close", (code) => {
				isOver = true;
				look();
				resolve({ code, ...text });
			});
		},
	);
	return {
		get printed() {
			return text.out;
		},
		shows: (pattern) =>
			new Promise((resolve, reject) => {
				const one = () => {
					const match = pattern.exec(text.out);
					if (!match && !isOver) return;
					waiting.delete(one);
					if (match) resolve(match);
					else reject(new Error(`ended without ${pattern}: ${text.out}`));
				};
				waiting.add(one);
				one();
			}),
		type: (keys) => void child.stdin.write(keys),
		kill: (signal) => void child.kill(signal),
		ended,
	};
}
