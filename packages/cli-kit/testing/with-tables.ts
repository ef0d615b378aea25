import { needs, ownNamespaces, testWith } from "@sluice/testbed";
import type { ExecutionContext, TestFn } from "ava";
import { PinnedTables, type PinOptions } from "./pinned-tables.js";

type Body = (t: ExecutionContext, tables: PinnedTables) => void | Promise<void>;

/**
 * `test` for what needs the kernel: each test has pinned tables of its own, and all of a file's have the process's
 * own namespaces around them. Skipped, with the reason, where there is no root or no BPF.
 */
export function withTables(
	test: TestFn,
	options: PinOptions = {},
): (title: string, body: Body) => void {
	if (process.getuid?.() === 0) test.before(() => ownNamespaces());
	const it = testWith(test, needs.root, needs.bpf);
	return (title, body) =>
		it(title, async (t) => {
			const tables = new PinnedTables(options);
			t.teardown(() => tables.close());
			await body(t, tables);
		});
}
