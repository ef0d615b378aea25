import { signedOnlyTable } from "@sluice/maps/tables";
import { tunnelPins } from "@sluice/tunnel";
import {
	type BulkTables,
	bulkCommands,
	type Cli,
	command,
	looksOf,
	missing,
	values,
	watch,
	watchOptions,
} from "../../src/index.js";

const none = (id: number) => missing(`no number ${id}`);

const set = command({
	usage: "set <id> <number>",
	summary: "Set a number",
	bulk: "change",
	parse: (args) => ({
		id: values.u32("id", args.text("id")),
		number: values.u16("number", args.text("number")),
	}),
	run({ id, number }, context) {
		context.locked((tables) =>
			tables.openTable(signedOnlyTable).set(id, number),
		);
		context.print([`${id}\t${number}`], { id, number });
	},
});

const del = command({
	usage: "del <id>",
	summary: "Delete a number",
	options: {
		"if-exists": { type: "boolean", describe: "No error without it" },
	},
	bulk: "change",
	parse: (args) => ({
		id: values.u32("id", args.text("id")),
		ifExists: args.flag("if-exists"),
	}),
	run({ id, ifExists }, context) {
		const isDeleted = context.locked((tables) =>
			tables.openTable(signedOnlyTable).delete(id),
		);
		if (!isDeleted && !ifExists) throw none(id);
		context.print([`deleted ${id}`], { deleted: id });
	},
});

const get = command({
	usage: "get <id>",
	summary: "Show a number",
	bulk: "show",
	parse: (args) => values.u32("id", args.text("id")),
	run(id, context) {
		const table = context.openTable(signedOnlyTable, { readOnly: true });
		const number = table.get(id);
		if (number === undefined) throw none(id);
		context.print([`${id}\t${number}`], { id, number });
	},
});

const stats = command({
	usage: "stats",
	summary: "Show how fast the numbers grow",
	options: watchOptions,
	parse: looksOf,
	run(looks, context) {
		if (!looks) return;
		const table = context.openTable(signedOnlyTable, { readOnly: true });
		return watch(context, looks, {
			noun: "numbers",
			read: () => [...table.entries()].map(([id, number]) => ({ id, number })),
			name: ({ id }) => id,
			counters: ({ number }) => ({ number: BigInt(number) }),
			lines: (rows) => [
				"id number",
				...rows.map(({ row: { id, number } }) => `${id} ${number}`),
			],
		});
	},
});

const bulk: BulkTables<{ id: number }, number, number> = {
	table: signedOnlyTable,
	set,
	rank: (id) => id,
	setWords: (id, number) => ["set", String(id), String(number)],
	delWords: (id) => ["del", String(id)],
	restoring(context) {
		context.openTable(signedOnlyTable).clear();
		return { line() {}, end() {} };
	},
};

/** A small program on one real table, with a number for each id. */
export const numbers: Cli = {
	name: "numbers",
	summary: "keep numbers",
	version: "1.2.3",
	pins: tunnelPins,
	commands: [set, del, get, stats, ...bulkCommands(() => numbers, bulk)],
};
