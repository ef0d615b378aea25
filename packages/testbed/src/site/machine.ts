import {
	chmodSync,
	cpSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	rmSync,
	symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import type { ExecutionContext } from "ava";
import { type Host, type Result, testbed } from "../index.js";

const root = path.join(import.meta.dirname, "../../../..");
/** Where the host's users find the checkout. */
const CHECKOUT = "/mnt";
const bpf = path.dirname(
	createRequire(import.meta.url).resolve("@sluice/bpf/package.json"),
);

/** What `cli_doctor --json` prints, as much of it as tests read. */
export interface Examination {
	checks: number;
	findings: {
		code: string;
		message: string;
		fix?: string;
		question?: string;
	}[];
	skipped: { check: string; reason: string }[];
}

/** A host with the tools on its PATH, as an installed machine has them. */
export class Machine {
	readonly host: Host;
	/** Where the tools stand. */
	readonly bin: string;

	constructor(host: Host, bin: string) {
		this.host = host;
		this.bin = bin;
	}

	/** Runs a command as a person at the machine's shell would. */
	async sh(command: string, input = "", reject = true): Promise<Result> {
		return this.host.run(
			"sh",
			["-ec", `PATH=${this.bin}:$PATH; export PATH; cd /; ${command}`],
			{ input, reject },
		);
	}

	/**
	 * What cli_doctor finds; `through` runs it otherwise, `%` being the command.
	 * @param seconds between the two readings of the counters
	 */
	async examine(through = "%", seconds = 0.01): Promise<Examination> {
		const command = through.replace(
			"%",
			`cli_doctor --json --seconds ${seconds}`,
		);
		const { stdout, stderr } = await this.sh(command, "", false);
		if (stdout === "") throw new Error(`cli_doctor said nothing: ${stderr}`);
		return JSON.parse(stdout);
	}
}

/**
 * A machine with eth0, 10.0.0.1 and fd00::1, whose peer has 10.0.0.2 and fd00::2.
 * @param attach whether our programs are on eth0
 */
export async function machine(
	t: Pick<ExecutionContext, "teardown">,
	attach = true,
): Promise<Machine> {
	const bed = testbed();
	const directory = ownDirectory();
	t.teardown(async () => {
		await bed.close();
		rmSync(directory, { recursive: true });
	});
	const host = await bed.host("machine");
	const peer = await bed.host("peer");
	await bed.link(
		{ host, name: "eth0", addresses: ["10.0.0.1/24", "fd00::1/64"] },
		{ host: peer, name: "eth0", addresses: ["10.0.0.2/24", "fd00::2/64"] },
	);
	const made = new Machine(host, await install(directory, host));
	if (attach) await made.sh("attach_tc.sh eth0");
	return made;
}

/** Readable by everybody. */
export function ownDirectory(): string {
	const directory = mkdtempSync(path.join(tmpdir(), "sluice-doctor-"));
	chmodSync(directory, 0o755);
	return directory;
}

/**
 * As the packages lay it out: scripts beside the programs' objects and sources, everything readable by everybody.
 * @returns where the tools stand
 */
export async function install(
	directory: string,
	...hosts: readonly Host[]
): Promise<string> {
	// The checkout may stand where others may not enter, in root's home for one.
	for (const host of hosts) await host.run("mount", ["--bind", root, CHECKOUT]);
	const bin = path.join(directory, "bin");
	mkdirSync(bin);
	cpSync(path.join(root, "scripts"), path.join(directory, "scripts"), {
		recursive: true,
	});
	cpSync(bpf, path.join(directory, "bpf"), { recursive: true });
	for (const script of ["attach", "detach", "reattach", "show"])
		symlinkSync(
			path.join(directory, `scripts/${script}_tc.sh`),
			path.join(bin, `${script}_tc.sh`),
		);
	for (const name of readdirSync(path.join(root, "bin")))
		symlinkSync(path.join(CHECKOUT, "bin", name), path.join(bin, name));
	return bin;
}
