import { Failure } from "@sluice/cli-kit";
import { parseRows } from "@sluice/iproute";

// execa is outside the bundle, of which it would be half, and loaded when a command is first run: "stats" runs none.

/** How long a command may take, in milliseconds: nothing of the network may keep the program from ending. */
const TIMEOUT = 10_000;

/** Runs one `ip` or `tc` command. @throws Failure with its stderr; environment: no rights, or no iproute2 */
export async function iproute(
	program: "ip" | "tc",
	args: readonly string[],
): Promise<string> {
	const { execa } = await import("execa");
	const { stdout, stderr, failed, code } = await execa(program, args, {
		reject: false,
		timeout: TIMEOUT,
	});
	if (!failed) return stdout;
	const command = [program, ...args].join(" ");
	if (code === "ENOENT")
		throw new Failure("environment", `${command}: no such program (ENOENT)`, {
			code,
			hint: "install iproute2 (Debian: apt-get install iproute2)",
		});
	const said = stderr.trim().split("\n", 1)[0] || "failed";
	if (/not permitted|permission denied/i.test(said))
		throw new Failure("environment", `${command}: not permitted (EPERM)`, {
			code: "EPERM",
			hint: "run as root or with CAP_BPF and CAP_NET_ADMIN",
		});
	throw new Failure("failed", `${command}: ${said}`);
}

/** The same, with its output parsed as JSON. */
export async function iprouteJson<T>(
	program: "ip" | "tc",
	args: readonly string[],
): Promise<T[]> {
	return parseRows(await iproute(program, ["-j", ...args]));
}

/** Runs many `ip` commands in one process, and continues after failures. @returns its output */
export async function ipBatch(
	lines: readonly string[],
	options: readonly string[] = [],
): Promise<string> {
	if (lines.length === 0) return "";
	const { execa } = await import("execa");
	const { stdout } = await execa("ip", [...options, "-force", "-batch", "-"], {
		input: `${lines.join("\n")}\n`,
		reject: false,
		stderr: "ignore",
		timeout: TIMEOUT,
	});
	return stdout;
}
