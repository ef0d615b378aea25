import { join } from "node:path";

/** The directory of the compiled programs: $SLUICE_BPF_DIR, else beside the bundled program. */
export const objectDirectory = (
	vars: Readonly<Record<string, string | undefined>>,
): string => vars.SLUICE_BPF_DIR || join(import.meta.dirname, "bpf");

/** The dispatcher. */
export const plainObject = (directory: string) =>
	join(directory, "dispatcher.o");

/** The dispatcher with an index beside its trie. */
export const indexedObject = (directory: string) =>
	join(directory, "dispatcher_indexed.o");
