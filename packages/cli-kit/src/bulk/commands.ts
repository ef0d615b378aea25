import { type Cli, type Command, command } from "../command.js";
import { badInput } from "../failure.js";
import { counted } from "../output.js";
import { type EachRow, printLines } from "../print-long.js";
import { writePrivately } from "../private-file.js";
import { readText } from "../text-file.js";
import { apply } from "./apply.js";
import type { AnyBulkTables } from "./bulk-tables.js";
import { savedLines } from "./saved-lines.js";
import { stream } from "./stream.js";

/** The commands that do many operations in one process. `program` is called when one of them runs. */
export const bulkCommands = (
	cli: () => Cli,
	tables: AnyBulkTables,
	// biome-ignore lint/suspicious/noExplicitAny: each command keeps its own type to itself
): Command<any>[] => [batch(cli, tables), save(tables), restore(cli, tables)];

const batch = (cli: () => Cli, tables: AnyBulkTables) =>
	command({
		usage: "batch <file>",
		summary: "Run many commands, one per line, as one transaction",
		positionals: {
			file: "Commands as on the command line, with quotes and # comments as in a shell; - for standard input",
		},
		options: {
			stream: {
				type: "boolean",
				describe:
					"Run each line of standard input when it arrives, and print one line as its answer; a line may begin with @TAG, which the answer repeats",
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
				return { isStream: false, text: readText(file, env), dryRun, args };
			if (file !== "-")
				throw badInput(`--stream reads standard input, -, got "${file}"`);
			if (dryRun) throw badInput("--stream has no --dry-run");
			return { isStream: true, text: "", dryRun, args };
		},
		run({ isStream, text, dryRun, args }, context) {
			if (isStream) return stream(cli(), context);
			return apply(
				cli(),
				tables,
				{ text, dryRun, isAll: false, allowEmpty: false, args },
				context,
			);
		},
	});

const save = (tables: AnyBulkTables) =>
	command({
		usage: "save",
		summary: `Print the batch that recreates the tables${tables.saveNote ? `; ${tables.saveNote}` : ""}`,
		options: {
			output: {
				type: "string",
				value: "file",
				describe:
					"Write to a file that only its owner may read; replaces an existing file",
			},
			...tables.saveOptions,
		},
		examples: [["save --output saved.txt", "Keep it in a file"]],
		parse: (args) => ({ args, output: args.optional("output") }),
		run({ args, output }, context) {
			const rows = savedLines(tables, args, context);
			if (output === undefined) {
				context.printLong(rows, { lines: rows });
				return;
			}
			const count = saveTo(output, rows);
			context.print([`${counted(count, "line")} written to ${output}`], {
				file: output,
				lines: count,
			});
		},
	});

const restore = (cli: () => Cli, tables: AnyBulkTables) =>
	command({
		usage: "restore <file>",
		summary:
			"Make the tables equal to a file that save has printed; write only the difference",
		positionals: {
			file: "Lines as save prints them; - for standard input",
		},
		options: {
			"dry-run": {
				type: "boolean",
				describe: "Print the difference, and change nothing",
			},
			"allow-empty": {
				type: "boolean",
				describe: "Accept a file without set lines: delete all",
			},
			...tables.restoreOptions,
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
			args,
		}),
		run: (application, context) => apply(cli(), tables, application, context),
	});

/** Writes the lines to a file. Returns how many. */
function saveTo(file: string, rows: EachRow<string>): number {
	let count = 0;
	const counting: EachRow<string> = (row) =>
		rows((line) => {
			count++;
			row(line);
		});
	writePrivately(file, (out) => printLines(counting, out));
	return count;
}
