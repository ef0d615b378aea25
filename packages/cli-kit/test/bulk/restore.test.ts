// Needs root and BPF: the program's numbers are in a pinned table.
import test from "ava";
import { killedAnywhere, session, withTables } from "../../testing/index.js";
import { numbers } from "../helpers/numbers.js";

const it = withTables(test);

it("restore makes the table equal to the file, and writes only the difference", async (t, tables) => {
	const input = "set 1 10\nset 3 31\n";
	await session(t, tables, numbers, [
		{
			type: "batch -",
			env: { input: "set 1 10\nset 2 20\nset 3 30" },
			out: "3 lines: 3 rows written, 0 deleted\n",
		},
		{
			type: "restore --dry-run - --json",
			env: { input },
			out: '{"lines":2,"differences":[{"change":"change","line":"set 3 31"},{"change":"delete","line":"del 2"}],"written":1,"deleted":1,"tables":{"map_signed_only":{"added":0,"changed":1,"deleted":1}}}\n',
		},
		{
			type: "restore -",
			env: { input },
			out: "2 lines: 1 row written, 1 deleted\n",
		},
		{ type: "save", out: input },
		{
			type: "restore -",
			env: { input },
			out: "2 lines: 0 rows written, 0 deleted\n",
		},
	]);
});

it("restore takes an empty file only with --allow-empty", (t, tables) =>
	session(t, tables, numbers, [
		{ type: "set 1 10", out: "1\t10\n" },
		{
			type: "restore -",
			env: { input: "# nothing\n" },
			code: 2,
			err: "numbers: restore: no line has a set, so all would be deleted; use --allow-empty if that is meant\n",
		},
		{
			type: "restore - --allow-empty",
			out: "0 lines: 0 rows written, 1 deleted\n",
		},
		{ type: "save" },
	]));

it("restore takes set alone", (t, tables) =>
	session(t, tables, numbers, [
		{
			type: "restore -",
			env: { input: "set 1 10\ndel 1" },
			code: 2,
			err: "numbers: restore: line 2: only set may stand in a restore\nnumbers: restore: 1 error: nothing was changed\n",
		},
	]));

it("a restore that is killed has changed all or nothing for the next command", (t, tables) =>
	killedAnywhere(t, tables, {
		cli: numbers,
		async begin() {
			await tables.run(numbers, "restore -", { input: "set 1 10\nset 2 20" });
		},
		writer: { line: "restore -", input: "set 2 21\nset 3 30" },
		next: { cli: numbers, line: "set 9 9" },
		state: async () => (await tables.run(numbers, "save")).out,
	}));
