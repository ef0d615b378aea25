// Needs root and BPF: the program's numbers are in a pinned table.
import {
	lstatSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { signedOnlyTable } from "@sluice/maps/tables";
import test from "ava";
import { session, withTables } from "../../testing/index.js";
import { numbers } from "../helpers/numbers.js";

const it = withTables(test);

it("batch carries out all lines, with quotes and comments as in a shell", (t, tables) =>
	session(t, tables, numbers, [
		{
			type: "batch -",
			env: {
				input: `# two numbers
set 1 10
set 2 20   # not for long

set '3' "30"
del 2
del 4 --if-exists`,
			},
			out: "5 lines: 2 rows written, 0 deleted\n",
		},
		{ type: "save", out: "set 1 10\nset 3 30\n" },
	]));

it("batch reports every error with its line, and changes nothing", (t, tables) =>
	session(t, tables, numbers, [
		{ type: "set 1 10", out: "1\t10\n" },
		{
			type: "batch -",
			env: {
				input: `set 2 20
set 3

set 3 70000
sat 3 30
set 3 30 0
set 3 30 --json
set 3 30 --frce
del 'x
del 99
get 1
batch -`,
			},
			code: 2,
			err: `numbers: batch: line 2: missing: <number>
numbers: batch: line 4: number must be an integer from 0 to 65535, got "70000"
numbers: batch: line 5: unknown command "sat"
numbers: batch: line 6: unexpected argument "0"
numbers: batch: line 7: "--json" stands on the command line, not in a line of a batch
numbers: batch: line 8: unknown option "--frce"
numbers: batch: line 9: ' is not closed
numbers: batch: line 10: no number 99
numbers: batch: line 11: "get" does not stand in a batch
numbers: batch: line 12: "batch" does not stand in a batch
numbers: batch: 10 errors: nothing was changed
`,
		},
		{
			type: "batch - --json",
			env: { input: "set 2 20\ndel 9" },
			code: 2,
			err: '{"error":{"code":"LINES","message":"1 error: nothing was changed","lines":[{"line":2,"code":"NOT_FOUND","message":"no number 9"}]}}\n',
		},
		{ type: "save", out: "set 1 10\n" },
	]));

it("a line of a batch sees what the lines before it have done", (t, tables) =>
	session(t, tables, numbers, [
		{
			type: "batch -",
			env: { input: "set 1 10\ndel 1\nset 2 20\ndel 1" },
			code: 2,
			err: "numbers: batch: line 4: no number 1\nnumbers: batch: 1 error: nothing was changed\n",
		},
	]));

it("batch --dry-run prints what would be changed", (t, tables) =>
	session(t, tables, numbers, [
		{
			type: "batch -",
			env: { input: "set 1 10\nset 2 20" },
			out: "2 lines: 2 rows written, 0 deleted\n",
		},
		{
			type: "batch --dry-run -",
			env: { input: "set 3 30\ndel 2\nset 1 11" },
			out: `~ set 1 11
+ set 3 30
- del 2
3 differences, not applied: 2 rows written, 1 deleted
`,
		},
		{ type: "save", out: "set 1 10\nset 2 20\n" },
	]));

it("a byte order mark before the first line is no part of it", (t, tables) =>
	session(t, tables, numbers, [
		{
			type: "batch -",
			env: { input: "\ufeffset 1 10\n" },
			out: "1 line: 1 row written, 0 deleted\n",
		},
		{
			type: "restore - --dry-run",
			env: { input: "\ufeffset 1 10\n" },
			out: "0 differences, not applied: 0 rows written, 0 deleted\n",
		},
	]));

it("save --output writes a file for its owner alone, in place of a link or of what others read", async (t, tables) => {
	const directory = mkdtempSync(path.join(tmpdir(), "save-"));
	t.teardown(() => rmSync(directory, { recursive: true }));
	const at = (name: string) => path.join(directory, name);
	writeFileSync(at("victim"), "as it was", { mode: 0o644 });
	symlinkSync(at("victim"), at("link"));
	writeFileSync(at("open"), "", { mode: 0o644 });
	await tables.run(numbers, "set 1 10");
	for (const name of ["link", "open", "new"]) {
		const file = at(name);
		await session(t, tables, numbers, [
			{ type: `save --output ${file}`, out: `1 line written to ${file}\n` },
		]);
		t.is(readFileSync(file, "utf8"), "set 1 10\n");
		t.is(lstatSync(file).mode, 0o100600);
	}
	t.is(readFileSync(at("victim"), "utf8"), "as it was");
	t.deepEqual(readdirSync(directory).sort(), ["link", "new", "open", "victim"]);
	await session(t, tables, numbers, [
		{
			type: `save --output ${directory}`,
			code: 1,
			err: `numbers: save: write ${directory}: it is a directory (EISDIR)\n`,
		},
	]);
});

it("batch names a file that it cannot read, and what --stream reads", (t, tables) =>
	session(t, tables, numbers, [
		{
			type: "batch /nowhere",
			code: 2,
			err: "numbers: batch: read /nowhere: no such file (ENOENT)\n",
		},
		{
			type: "batch --stream /nowhere",
			code: 2,
			err: 'numbers: batch: --stream reads standard input, -, got "/nowhere"\n',
		},
	]));

withTables(test, { maxEntries: { map_signed_only: 2 } })(
	"batch writes nothing where the table would not hold it all",
	async (t, tables) => {
		await session(t, tables, numbers, [
			{
				type: "batch -",
				env: { input: "set 1 10\nset 2 20\nset 3 30" },
				code: 1,
				err: "numbers: batch: write map_signed_only: the table is full (E2BIG)\n",
			},
		]);
		t.deepEqual([...tables.open(signedOnlyTable).entries()], []);
	},
);
