import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { ExecutionContext } from "ava";
import { execa } from "execa";

/**
 * Compiles a BPF program of tests/hosts/fixtures to `<name>.o` in a directory
 * that goes with the test. Gives the directory.
 */
export async function compile(
	t: ExecutionContext,
	source: string,
	name: string,
): Promise<string> {
	const directory = await mkdtemp(path.join(tmpdir(), "sluice-test-"));
	t.teardown(() => rm(directory, { recursive: true }));
	const { stdout: machine } = await execa("uname", ["-m"]);
	await execa("clang", [
		...["-target", "bpf", "-O2", "-g", "-Wall", "-Werror"],
		...["-idirafter", `/usr/include/${machine}-linux-gnu`],
		...["-c", path.join(import.meta.dirname, "../hosts/fixtures", source)],
		...["-o", path.join(directory, `${name}.o`)],
	]);
	return directory;
}
