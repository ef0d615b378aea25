import { existsSync } from "node:fs";
import path from "node:path";
import { Failure } from "@sluice/cli-kit";

/**
 * The compiled program: in $SLUICE_BPF_DIR, else beside the bundled command.
 * @throws Failure environment: it is not there
 */
export function objectFile(
	vars: Readonly<Record<string, string | undefined>>,
): string {
	const directory =
		vars.SLUICE_BPF_DIR || path.join(import.meta.dirname, "bpf");
	const file = path.join(directory, "udplb_tc.o");
	if (existsSync(file)) return file;
	throw new Failure("environment", `open ${file}: no such file (ENOENT)`, {
		code: "ENOENT",
		hint: "name the directory of the compiled programs in SLUICE_BPF_DIR",
	});
}
