import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The compiled dispatcher: in $SLUICE_BPF_DIR, else beside the bundled program. */
export function dispatcherObject(
	vars: Readonly<Record<string, string | undefined>>,
): string {
	const directory =
		vars.SLUICE_BPF_DIR || fileURLToPath(new URL("bpf", import.meta.url));
	return join(directory, "dispatcher.o");
}
