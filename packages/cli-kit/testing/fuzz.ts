import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Random } from "@sluice/testbed";
import type { ExecutionContext } from "ava";
import { type Cli, commonOptions } from "../src/command.js";
import { verbOf } from "../src/usage.js";
import type { PinnedTables } from "./pinned-tables.js";

const LINES = 1000;

export interface FuzzOptions {
	/** Values of the program's own kind, right and wrong. */
	vocabulary: readonly string[];
	/** Commands that run until they are stopped, and options that do what a test must not. */
	leaveOut?: readonly string[];
}

/** Values that have confused parsers before. */
const troublesome = [
	...["", " ", "-", "--", "-1", "-0", "0x", "1e3", "007", "NaN", "null"],
	...["toString", "__proto__", "constructor", "$0", "all", "a=b", "\ufffd"],
	...["ä€😀", "a\tb", "a\nb", "%s", "$(x)", "'", '"', "x".repeat(300)],
	...["--no-json", "--json=yes", "--help=", "-h", "---", "--=", "-x"],
];

/**
 * Types random lines, the same in every run. Whatever they are, the exit code is one of the five, an error is one
 * line or one document, and nothing is a bug.
 */
export async function fuzz(
	t: ExecutionContext,
	tables: PinnedTables,
	cli: Cli,
	{ vocabulary, leaveOut = [] }: FuzzOptions,
): Promise<void> {
	inOwnDirectory(t);
	const random = new Random(cli.name.length);
	const any = (list: readonly string[]) =>
		list[random.below(list.length)] as string;
	const specs = cli.commands.filter((spec) => !leaveOut.includes(verbOf(spec)));
	const seen = new Map<number, number>();
	for (let i = 0; i < LINES; i++) {
		const spec = specs[random.below(specs.length)];
		const options = Object.keys({
			...commonOptions,
			...cli.options,
			...spec?.options,
		}).map((name) => `--${name}`);
		const words = Array.from({ length: random.below(12) }, () => {
			const kind = random.below(10);
			if (kind < 7) return any(vocabulary);
			return kind < 9 ? any(troublesome) : any(options);
		});
		if (spec && random.below(20) > 0) words.unshift(verbOf(spec));
		if (leaveOut.some((verb) => words.includes(verb))) continue;
		// Where a bpffs is named, it is not one of ours.
		const stopped = AbortSignal.abort();
		const { code, out, err } = await tables.run(cli, words, { stopped });
		const line = JSON.stringify(words);
		t.true(code >= 0 && code <= 4, `${line} exits ${code}`);
		t.notRegex(err, /this is a bug|\n {4}at /, line);
		if (code === 2 || code > 2) t.is(out, "", line);
		if (code !== 0)
			t.regex(err, /^(\{"error".*\}|[^\n]+(\nusage: [^\n]+)?)\n$/, line);
		seen.set(code, (seen.get(code) ?? 0) + 1);
	}
	t.true((seen.get(0) ?? 0) > 0 && (seen.get(2) ?? 0) > 0, `${[...seen]}`);
}

/** Some lines write files. */
function inOwnDirectory(t: ExecutionContext): void {
	const before = process.cwd();
	const directory = mkdtempSync(path.join(tmpdir(), "sluice-fuzz-"));
	process.chdir(directory);
	t.teardown(() => {
		process.chdir(before);
		rmSync(directory, { recursive: true });
	});
}
