import { execFile } from "node:child_process";
import { siblingProgram } from "@sluice/cli-kit/sibling";

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
	return new Promise((resolve) =>
		execFile(
			command,
			[...first, "--json", "--bpffs", bpffs, "--seconds", String(seconds)],
			{ maxBuffer: Number.POSITIVE_INFINITY, ...(signal ? { signal } : {}) },
			(error, stdout, stderr) => {
				const time = Date.now();
				const failed = stderr.trimEnd() || error?.message;
				resolve({ time, ...readFindings(stdout, failed) });
			},
		),
	);
}

function readFindings(
	stdout: string,
	failed = "it printed nothing",
): Pick<Diagnosis, "findings" | "failed"> {
	try {
		const { findings } = JSON.parse(stdout) as { findings: Finding[] };
		return { findings };
	} catch {
		return { findings: undefined, failed };
	}
}
