import { readFileSync } from "node:fs";
import { type Command, command, type Program } from "../command.js";
import type { Env } from "../env.js";
import { badInput } from "../failure.js";
import { apply } from "./apply.js";
import type { AnyBulkTables } from "./bulk-tables.js";
import { stream } from "./stream.js";
import { lineOf } from "./words.js";

/** The commands that do many operations in one process. The program is asked for when one of them runs. */
export const bulkCommands = (
	program: () => Program,
	tables: AnyBulkTables,
	// biome-ignore lint/suspicious/noExplicitAny: each command keeps its own type to itself
): Command<any>[] => [
	batch(program, tables),
	save(tables),
	restore(program, tables),
];

const batch = (program: () => Program, tables: AnyBulkTables) =>
	command({
		usage: "batch <file>",
		summary: "Carry out many commands, one a line: all of them or none",
		positionals: {
			file: "Commands as on the command line, with quotes and # comments as in a shell; - for standard input",
		},
		options: {
			stream: {
				type: "boolean",
				describe:
					"Carry out each line of standard input when it arrives, and answer it by one line",
			},
			"dry-run": {
				type: "boolean",
				describe: "Print what would be changed, and change nothing",
			},
		},
		examples: [
			["batch changes.txt", "Check all lines, then apply them"],
			["batch --stream - --json", "Serve a program that writes commands"],
		],
		parse(args, env) {
			const file = args.text("file");
			const dryRun = args.flag("dry-run");
			if (!args.flag("stream"))
				return { isStream: false, text: readText(file, env), dryRun };
			if (file !== "-")
				throw badInput(`--stream reads standard input, -, got "${file}"`);
			if (dryRun) throw badInput("--stream has no --dry-run");
			return { isStream: true, text: "", dryRun };
		},
		run({ isStream, text, dryRun }, context) {
			if (isStream) return stream(program(), context);
			apply(
				program(),
				tables,
				{ text, dryRun, isAll: false, allowEmpty: false },
				context,
			);
		},
	});

const save = (tables: AnyBulkTables) =>
	command({
		usage: "save",
		summary: `Print the batch that recreates the tables${tables.saveNote ? `; ${tables.saveNote}` : ""}`,
		...(tables.saveOptions ? { options: tables.saveOptions } : {}),
		examples: [["save >saved.txt", "Keep the tables in a file"]],
		parse: (args) => tables.saveHow?.(args),
		run(how, context) {
			const { table, compare, setWords } = tables;
			const open = context.openTable(table, { readOnly: true });
			const lines = [...open.entries()]
				.sort(([a], [b]) => compare(a, b))
				.map(([key, value]) => lineOf(setWords(key, value, context, how)));
			context.print(lines, { lines });
		},
	});

const restore = (program: () => Program, tables: AnyBulkTables) =>
	command({
		usage: "restore <file>",
		summary:
			"Make the tables equal to a file that save has printed, by the smallest difference",
		positionals: {
			file: "Lines of set, as save prints them; - for standard input",
		},
		options: {
			"dry-run": {
				type: "boolean",
				describe: "Print the difference, and change nothing",
			},
			"allow-empty": {
				type: "boolean",
				describe: "Also where no line sets anything: all is deleted",
			},
		},
		examples: [
			["restore saved.txt --dry-run", "Show what is other than it was"],
			["restore saved.txt", "Undo it"],
		],
		parse: (args, env) => ({
			text: readText(args.text("file"), env),
			isAll: true,
			dryRun: args.flag("dry-run"),
			allowEmpty: args.flag("allow-empty"),
		}),
		run: (application, context) =>
			apply(program(), tables, application, context),
	});

function readText(file: string, env: Env): string {
	if (file === "-") return env.input();
	try {
		return readFileSync(file, "utf8");
	} catch (error) {
		throw badInput(
			`file "${file}" cannot be read: ${(error as NodeJS.ErrnoException).code}`,
		);
	}
}
