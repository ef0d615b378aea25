import { siblingProgram } from "@sluice/cli-kit/sibling";
import { execa } from "execa";

/** One finding, as `cli_doctor --json` prints it. */
export interface Finding {
	/** Stable. */
	code: string;
	message: string;
	/** The command that mends it. */
	fix?: string;
	/** What to find out, where no command is sure to be right. */
	question?: string;
}

/** What cli_doctor has found, or why it found nothing out. */
export interface Diagnosis {
	/** Milliseconds since 1970. */
	time: number;
	/** Undefined: it did not run. */
	findings: Finding[] | undefined;
	failed?: string | undefined;
}

/**
 * Runs cli_doctor in a separate process: it waits, and it uses the CPU for a second or two.
 *
 * @param bpffs the one to use
 * @param seconds between its two readings of the counters
 */
export async function diagnose(
	bpffs: string,
	seconds: number,
	signal?: AbortSignal,
): Promise<Diagnosis> {
	const [command, ...first] = siblingProgram("cli_doctor");
	const { stdout, stderr, failed, shortMessage } = await execa(
		command,
		[...first, "--json", "--bpffs", bpffs, "--seconds", String(seconds)],
		{ reject: false, ...(signal ? { cancelSignal: signal } : {}) },
	);
	const time = Date.now();
	try {
		const { findings } = JSON.parse(stdout) as { findings: Finding[] };
		return { time, findings };
	} catch {
		return {
			time,
			findings: undefined,
			failed: stderr || (failed ? shortMessage : "it printed nothing"),
		};
	}
}
