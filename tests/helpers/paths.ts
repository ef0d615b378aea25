import path from "node:path";

/** The checkout. */
export const root = path.join(import.meta.dirname, "../..");

/** A script of scripts/, by its name without .sh. */
export const script = (name: string): string =>
	path.join(root, "scripts", `${name}.sh`);

/** Where the tables are pinned. */
export const PINS = "/sys/fs/bpf/tc/globals";
