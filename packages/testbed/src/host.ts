import { once } from "node:events";
import path from "node:path";
import { execa } from "execa";
import { type Running, running, type Subprocess } from "./running.js";

/** Options of a command on a host. */
export type RunOptions = {
	/** Given on standard input, which is empty otherwise. */
	input?: string | Uint8Array;
	/** Added to the environment. */
	env?: Record<string, string>;
	/** Directory to run in; ours by default. */
	cwd?: string;
	/** False: a failing command returns its exit code and does not throw. */
	reject?: boolean;
	/** In milliseconds; none by default. */
	timeout?: number;
};

/** How a command ended. */
export type Result = {
	stdout: string;
	stderr: string;
	/** Undefined when a signal ended it. */
	exitCode: number | undefined;
	signal: string | undefined;
};

/**
 * A network and a mount namespace with a bpffs of its own: as far as the
 * kernel's networking and BPF pins go, a machine.
 */
export class Host {
	readonly name: string;
	/** Of the process that holds the namespaces: `nsenter -t PID -n -m` enters. */
	readonly pid: number;
	readonly #keeper: Subprocess;
	readonly #running = new Set<Running>();

	private constructor(name: string, pid: number, keeper: Subprocess) {
		this.name = name;
		this.pid = pid;
		this.#keeper = keeper;
	}

	static async start(name: string): Promise<Host> {
		const keeper = execa(
			"unshare",
			["--net", "--mount", "bash", path.join(import.meta.dirname, "keeper.sh")],
			{ stdin: "pipe", reject: false, cleanup: false },
		);
		const ready = once(keeper.stdout, "data");
		const ended = keeper.then((result): never => {
			throw new Error(`host ${name} did not start: ${result.stderr}`);
		});
		ended.catch(() => {});
		await Promise.race([ready, ended]);
		return new Host(name, keeper.pid as number, keeper);
	}

	/** Runs a command to its end. @throws Error where it fails and `reject` is not false. */
	async run(
		file: string,
		args: readonly string[] = [],
		options: RunOptions = {},
	): Promise<Result> {
		const { cwd, env, input = "", reject = true, timeout } = options;
		const { stdout, stderr, exitCode, signal, failed } = await execa(
			"nsenter",
			this.#enter(file, args, cwd),
			{ env: environment(env), input, timeout: timeout ?? 0, reject: false },
		);
		if (failed && reject) {
			const command = [path.basename(file), ...args].join(" ");
			throw new Error(
				[`${this.name}: ${command}: ${signal ?? exitCode}`, stderr, stdout]
					.filter((text) => text !== "")
					.join("\n"),
			);
		}
		return { stdout, stderr, exitCode, signal };
	}

	/** Starts a command that runs until it is stopped, or until the host ends. */
	spawn(
		file: string,
		args: readonly string[] = [],
		options: Pick<RunOptions, "cwd" | "env"> = {},
	): Running {
		const { cwd, env } = options;
		const process = execa("nsenter", this.#enter(file, args, cwd), {
			env: environment(env),
			stdin: "pipe",
			buffer: false,
			reject: false,
		});
		const command = running(`${this.name}: ${file}`, process);
		this.#running.add(command);
		void command.ended.finally(() => this.#running.delete(command));
		return command;
	}

	/** Sets kernel parameters by the path below /proc/sys: `{"net/ipv4/ip_forward": 1}`. */
	async sysctl(values: Record<string, number | string>): Promise<void> {
		const script =
			'while [ $# -gt 0 ]; do echo "$2" >"/proc/sys/$1"; shift 2; done';
		const args = Object.entries(values).flat().map(String);
		await this.run("sh", ["-ec", script, "sh", ...args]);
	}

	/** Passes packets on between its links, in both families. */
	async forward(): Promise<void> {
		await this.sysctl({
			"net/ipv4/ip_forward": 1,
			"net/ipv6/conf/all/forwarding": 1,
		});
	}

	/** Adds a route: `route("default", "10.0.0.1")`, either family. */
	async route(prefix: string, via: string): Promise<void> {
		const family = via.includes(":") ? "-6" : "-4";
		await this.run("ip", [family, "route", "replace", prefix, "via", via]);
	}

	/** Masquerades packets that leave by `device`, like a home router. */
	async masquerade(device: string): Promise<void> {
		await this.run("nft", ["-f", "-"], {
			input: `table inet testbed {
				chain postrouting {
					type nat hook postrouting priority srcnat
					oifname "${device}" masquerade
				}
			}`,
		});
	}

	/** Ends the host and all that runs in it. */
	async close(): Promise<void> {
		const ends = [...this.#running].map((command) => command.ended);
		this.#keeper.stdin.end();
		await this.#keeper;
		await Promise.all(ends);
	}

	#enter(file: string, args: readonly string[], cwd = process.cwd()): string[] {
		// The mount namespace is a copy, so the same path leads to the same place.
		return [
			"--target",
			String(this.pid),
			"--net",
			"--mount",
			`--wdns=${cwd}`,
			"--",
			file,
			...args,
		];
	}
}

/**
 * Our own Node first, which may not be the system's. Then the system's programs, before the directories that npm adds:
 * one of those has an `nft`.
 */
function environment(added: Record<string, string> = {}) {
	const node = path.dirname(process.execPath);
	return {
		PATH: `${node}:/usr/sbin:/usr/bin:/sbin:/bin:${process.env.PATH}`,
		...added,
	};
}
