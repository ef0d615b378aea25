import { existsSync } from "node:fs";
import type { ExecutionContext, SerialFn, TestFn } from "ava";

/** Requirements of a test: each returns what is missing, or nothing. */
export const needs = {
	root: () => (process.getuid?.() === 0 ? undefined : "needs root"),
	bpf: () =>
		existsSync("/sys/fs/bpf") ? undefined : "needs a kernel with BPF",
};

type Declare = (
	title: string,
	implementation: (t: ExecutionContext) => void | Promise<void>,
) => void;

/**
 * `test` for a machine that has everything named; elsewhere a test that is
 * skipped with the reason in its title. With `REQUIRE_BPF=1` it runs, and
 * fails, so that CI never passes by skipping.
 */
export function testWith(
	test: TestFn | SerialFn,
	...wanted: (() => string | undefined)[]
): Declare {
	const missing = wanted.map((look) => look()).filter((reason) => reason);
	if (missing.length === 0 || process.env.REQUIRE_BPF === "1") return test;
	return (title, implementation) =>
		test.skip(`${title} [skipped: ${missing.join(", ")}]`, implementation);
}
