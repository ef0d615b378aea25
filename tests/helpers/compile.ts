import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { compileBpf } from "@sluice/testbed";
import type { ExecutionContext } from "ava";

/**
 * Compiles a BPF program of tests/hosts/fixtures to `<name>.o` in a directory
 * that goes with the test.
 * @returns the directory
 */
export function compile(
	t: ExecutionContext,
	source: string,
	name: string,
): string {
	const directory = mkdtempSync(path.join(tmpdir(), "sluice-test-"));
	t.teardown(() => rmSync(directory, { recursive: true }));
	const file = path.join(import.meta.dirname, "../hosts/fixtures", source);
	copyFileSync(compileBpf(file), path.join(directory, `${name}.o`));
	return directory;
}
