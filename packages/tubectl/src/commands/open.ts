import type { Context } from "@sluice/cli-kit";
import { openTables, type Tables } from "../state/tables.js";

/** Opens the dispatcher's tables for reading, and prints where they are on stderr, as tubular does. */
export function openToRead(context: Context): Tables {
	const tables = readTables(context);
	announce(context, `opened dispatcher at ${context.pinDirectory}`);
	return tables;
}

/** Opens the dispatcher's tables for reading. @throws Failure environment, where it is not loaded */
export const readTables = (context: Context): Tables =>
	openTables((table) => context.openTable(table, { readOnly: true }));

/** Prints a line on stderr, beside the result. */
export function announce({ env, json }: Context, text: string): void {
	if (!json) env.err(`${text}\n`);
}
