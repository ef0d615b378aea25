import { copyFileSync } from "node:fs";
import path from "node:path";
import { type CompileOptions, compileBpf } from "@sluice/testbed";
import type { ExecutionContext } from "ava";
import { ownDirectory } from "./own-directory.js";

/**
 * Compiles a BPF program, by its path from tests/hosts/fixtures, to
 * `<name>.o` in a directory that goes with the test.
 * @param directory the directory, where there is one already
 * @returns the directory
 */
export function compile(
	t: ExecutionContext,
	source: string,
	name: string,
	options: CompileOptions = {},
	directory = ownDirectory(t),
): string {
	const fixtures = path.join(import.meta.dirname, "../hosts/fixtures");
	copyFileSync(
		compileBpf(path.resolve(fixtures, source), options),
		path.join(directory, `${name}.o`),
	);
	return directory;
}
