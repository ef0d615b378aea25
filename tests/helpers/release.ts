import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { root } from "./paths.js";

/** The last release, 0.1.0. */
const COMMIT = "b09be52";

/**
 * Checks out the objects' sources and the scripts of the last release, and compiles them.
 * @returns its directory: `scripts/attach_tc.sh`, `bpf/dist/`
 */
export function lastRelease(): string {
	const directory = path.join(tmpdir(), `sluice-${COMMIT}`);
	if (existsSync(directory)) return directory;
	const made = `${directory}.${process.pid}`;
	mkdirSync(made);
	try {
		const archive = execFileSync(
			"git",
			["-C", root, "archive", COMMIT, "bpf", "scripts"],
			{ maxBuffer: 64 * 1024 * 1024 },
		);
		execFileSync("tar", ["-x", "-C", made], { input: archive });
		execFileSync(
			"make",
			[
				"-s",
				"-C",
				`${made}/bpf`,
				"dist/pfc_ingress_tc.o",
				"dist/pfc_egress_tc.o",
			],
			{ stdio: "ignore" },
		);
		renameSync(made, directory);
	} catch (error) {
		rmSync(made, { recursive: true, force: true });
		// Another test may have been faster.
		if (!existsSync(directory)) throw error;
	}
	return directory;
}
