import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { ExecutionContext } from "ava";

/** An empty directory that goes with the test. */
export function ownDirectory(t: ExecutionContext): string {
	const directory = mkdtempSync(path.join(tmpdir(), "sluice-test-"));
	t.teardown(() => rmSync(directory, { recursive: true }));
	return directory;
}
