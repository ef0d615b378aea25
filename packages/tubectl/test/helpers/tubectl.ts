import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type Env, realEnv, run } from "@sluice/cli-kit";
import { cli } from "../../src/cli.js";

/** The directory of compiled programs. */
export const objects = join(
	dirname(createRequire(import.meta.url).resolve("@sluice/bpf/package.json")),
	"dist",
);

export interface Ended {
	code: number;
	out: string;
	err: string;
}

/** Runs a command in process. */
export async function tubectl(...args: string[]): Promise<Ended> {
	return tubectlWith({}, ...args);
}

/** The same, with environment variables. */
export async function tubectlWith(
	vars: Record<string, string>,
	...args: string[]
): Promise<Ended> {
	const ended = { out: "", err: "" };
	const env: Env = {
		...realEnv,
		vars: { SLUICE_BPF_DIR: objects, ...vars },
		isTerminal: false,
		out: (text) => {
			ended.out += text;
		},
		err: (text) => {
			ended.err += text;
		},
	};
	const code = await run(cli, args, env);
	return { code, ...ended };
}

/** Runs a command that must succeed, and gives its output. */
export async function must(...args: string[]): Promise<string> {
	const { code, out, err } = await tubectl(...args);
	if (code !== 0) throw new Error(`tubectl ${args.join(" ")}: ${code}: ${err}`);
	return out;
}

/** The JSON that a command prints. */
export const json = async (...args: string[]) =>
	JSON.parse(await must("--json", ...args));

/** Registers this process's TCP socket that listens at a port of 127.0.0.1. */
export const registerOwn = (label: string, port: number) =>
	must(
		...["register-pid", String(process.pid), label],
		...["tcp", "127.0.0.1", String(port)],
	);
