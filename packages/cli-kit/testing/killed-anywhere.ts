import type { ExecutionContext } from "ava";
import type { Cli } from "../src/command.js";
import { Killed, killedAtWrite } from "./killed-at-write.js";
import type { PinnedTables } from "./pinned-tables.js";

/** A command line, and its standard input. */
export interface Typed {
	line: string;
	input?: string;
}

/** A writer that is killed, and what follows it. */
export interface Kill {
	cli: Cli;
	/** Makes the state that the writer finds. */
	begin(): Promise<void>;
	writer: Typed;
	next: { cli: Cli } & Typed;
	/** All that the tables hold, as something that can be compared. */
	state(): Promise<unknown>;
}

/**
 * Kills a writer before each of its writes, then runs another command. What the tables then hold must be what they hold
 * where the writer was never started, or where it came to its end. Both must be seen, in this order.
 */
export async function killedAnywhere(
	t: ExecutionContext,
	tables: Pick<PinnedTables, "run">,
	{ cli, begin, writer, next, state }: Kill,
): Promise<void> {
	const then = async () => {
		const { code, err } = await tables.run(next.cli, next.line, next);
		t.is(code, 0, err);
		return state();
	};
	await begin();
	const before = await then();
	await begin();
	t.is((await tables.run(cli, writer.line, writer)).code, 0);
	const after = await then();
	t.notDeepEqual(before, after);
	for (let writes = 0, isNew = false; ; writes++) {
		await begin();
		const env = { ...writer, kernel: killedAtWrite(writes) };
		const { code, err } = await tables.run(cli, writer.line, env);
		t.true(code === 0 || err.includes(Killed.name), err);
		const found = await then();
		isNew ||= JSON.stringify(found) === JSON.stringify(after);
		t.deepEqual(found, isNew ? after : before, `after ${writes} writes`);
		if (code !== 0) continue;
		t.true(isNew && writes > 0);
		return;
	}
}

/** A test for each writer of a program and each of its commands that may follow. */
export function killedTests(
	it: (
		title: string,
		body: (t: ExecutionContext, tables: PinnedTables) => Promise<void>,
	) => void,
	cli: Cli,
	{
		before,
		writers,
		nexts,
	}: {
		/** Lines that make the state that the writer finds. */
		before: readonly string[];
		writers: Readonly<Record<string, Typed>>;
		nexts: Readonly<Record<string, Typed>>;
	},
): void {
	for (const [writer, typed] of Object.entries(writers))
		for (const [next, after] of Object.entries(nexts))
			it(`${writer}, killed anywhere, is done or not done after ${next}`, (t, tables) =>
				killedAnywhere(t, tables, {
					cli,
					begin: async () => {
						await tables.run(cli, "del all");
						for (const line of before) await tables.run(cli, line);
					},
					writer: typed,
					next: { cli, ...after },
					state: async () => {
						const { out } = await tables.run(cli, "get all");
						return out.split("\n").sort();
					},
				}));
}
