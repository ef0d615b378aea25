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
import { session, withTables } from "@sluice/cli-kit/testing";
import { Address } from "@sluice/maps/address";
import { decapTable, tunnelTable, verifyTable } from "@sluice/maps/tables";
import test from "ava";
import { cli } from "../../src/cli.js";

const it = withTables(test);

it("batch carries out all lines", async (t, tables) => {
	await session(t, tables, cli, [
		{
			type: "batch -",
			env: {
				input: `# two at one endpoint
set 1 10.0.0.1 6080 10.9.0.1 6080
set 2 10.0.0.1 6080 0 0   # not known yet

set 3 'fd00::1' 6080 "fd00::2" 6080
del 2
del 4 --if-exists`,
			},
			out: "5 lines: 4 rows written, 0 deleted\n",
		},
		{
			type: "save",
			out: "set 1 10.0.0.1 6080 10.9.0.1 6080\nset 3 fd00::1 6080 fd00::2 6080\n",
		},
	]);
	t.is([...tables.open(decapTable).entries()].length, 2);
});

it("batch reports every error with its line, and changes nothing", async (t, tables) => {
	await tables.run(cli, "set 1 10.0.0.1 6080 0 0");
	tables.open(verifyTable).set(
		{ service: 7, group: 8 },
		{
			key: Buffer.alloc(16),
			tunnel: 1,
			proxy: { address: Address.of("5.5.5.5"), port: 1, proto: 6 },
			backend: { address: Address.of("1.1.1.1"), port: 1, proto: 6 },
		},
	);
	const input = [
		"set 2 10.0.0.2 6080 0 0",
		"set 3 10.0.0.3",
		"",
		"set 3 10.0.0.3 70000 0 0",
		"sat 3 10.0.0.3 6080 0 0",
		"set 3 10.0.0.3 6080 0 0 0",
		"set 3 10.0.0.3 6080 0 0 --json",
		"set 3 10.0.0.3 6080 0 0 --frce",
		"del 'x",
		"del 99",
		"del 1",
		"get all",
		"batch -",
		"set 4 1.1 6080 0 0",
	].join("\n");
	await session(t, tables, cli, [
		{
			type: "batch -",
			env: { input },
			code: 2,
			err: `cli_tunnel: batch: line 2: missing: <port-local> <ip-remote> <port-remote>
cli_tunnel: batch: line 4: port-local must be an integer from 1 to 65535, got "70000"
cli_tunnel: batch: line 5: unknown command "sat"
cli_tunnel: batch: line 6: unexpected argument "0"
cli_tunnel: batch: line 7: "--json" stands on the command line, not in a line of a batch
cli_tunnel: batch: line 8: unknown option "--frce"
cli_tunnel: batch: line 9: ' is not closed
cli_tunnel: batch: line 10: no tunnel 99
cli_tunnel: batch: line 11: tunnel 1 is used by 1 service, 7 8 among them; delete them first or use --force
cli_tunnel: batch: line 12: "get" does not stand in a batch
cli_tunnel: batch: line 13: "batch" does not stand in a batch
cli_tunnel: batch: line 14: ip-local must be an IPv4 or IPv6 address, got "1.1"
cli_tunnel: batch: 12 errors: nothing was changed
`,
		},
		{
			type: "batch - --json",
			env: { input: "set 2 10.0.0.2 6080 0 0\ndel 1" },
			code: 2,
			err: '{"error":{"code":"LINES","message":"1 error: nothing was changed","lines":[{"line":2,"code":"IN_USE","message":"tunnel 1 is used by 1 service, 7 8 among them","hint":"delete them first or use --force"}]}}\n',
		},
	]);
	t.deepEqual(
		[...tables.open(tunnelTable).entries()].map(([id]) => id),
		[1],
	);
});

it("batch --dry-run prints what would be changed", async (t, tables) => {
	await session(t, tables, cli, [
		{
			type: "batch -",
			env: { input: "set 1 10.0.0.1 6080 0 0\nset 2 10.0.0.2 6080 0 0" },
			out: "2 lines: 4 rows written, 0 deleted\n",
		},
		{
			type: "batch --dry-run -",
			env: {
				input: "set 3 10.0.0.1 6080 0 0\ndel 2\nset 1 10.0.0.1 6080 10.9.0.1 1",
			},
			out: `~ set 1 10.0.0.1 6080 10.9.0.1 1
+ set 3 10.0.0.1 6080 0 0
- del 2
3 differences, not applied: 3 rows written, 2 deleted
`,
		},
		{
			type: "save",
			out: "set 1 10.0.0.1 6080 0 0\nset 2 10.0.0.2 6080 0 0\n",
		},
	]);
});

it("a byte order mark before the first line is no part of it", async (t, tables) => {
	const line = "\ufeffset 1 10.0.0.1 6080 10.9.0.1 6080\n";
	await session(t, tables, cli, [
		{
			type: "batch -",
			env: { input: line },
			out: "1 line: 2 rows written, 0 deleted\n",
		},
		{
			type: "restore - --dry-run",
			env: { input: line },
			out: "0 differences, not applied: 0 rows written, 0 deleted\n",
		},
	]);
});

it("save --output writes a file for its owner alone, in place of a link or of what others read", async (t, tables) => {
	const directory = mkdtempSync(path.join(tmpdir(), "save-"));
	t.teardown(() => rmSync(directory, { recursive: true }));
	const at = (name: string) => path.join(directory, name);
	writeFileSync(at("victim"), "as it was", { mode: 0o644 });
	symlinkSync(at("victim"), at("link"));
	writeFileSync(at("open"), "", { mode: 0o644 });
	await tables.run(cli, "set 1 10.0.0.1 6080 10.9.0.1 6080");
	for (const name of ["link", "open", "new"]) {
		const { code, out } = await tables.run(cli, `save --output ${at(name)}`);
		t.deepEqual([code, out], [0, `1 line written to ${at(name)}\n`]);
		t.is(readFileSync(at(name), "utf8"), "set 1 10.0.0.1 6080 10.9.0.1 6080\n");
		const { mode } = lstatSync(at(name));
		t.is(mode, 0o100600);
	}
	t.is(readFileSync(at("victim"), "utf8"), "as it was");
	t.deepEqual(readdirSync(directory).sort(), ["link", "new", "open", "victim"]);
	const { code, err } = await tables.run(cli, `save --output ${directory}`);
	t.deepEqual(
		[code, err],
		[1, `cli_tunnel: save: write ${directory}: it is a directory (EISDIR)\n`],
	);
});

it("batch says which file it cannot read, and what --stream reads", (t, tables) =>
	session(t, tables, cli, [
		{
			type: "batch /nowhere",
			code: 2,
			err: 'cli_tunnel: batch: file "/nowhere" cannot be read: ENOENT\n',
		},
		{
			type: "batch --stream /nowhere",
			code: 2,
			err: 'cli_tunnel: batch: --stream reads standard input, -, got "/nowhere"\n',
		},
	]));

withTables(test, { maxEntries: { map_tunnel: 2 } })(
	"batch writes nothing where the table would not hold it all",
	async (t, tables) => {
		await session(t, tables, cli, [
			{
				type: "batch -",
				env: {
					input: [1, 2, 3]
						.map((id) => `set ${id} 10.0.0.1 6080 0 0`)
						.join("\n"),
				},
				code: 1,
				err: "cli_tunnel: batch: write map_tunnel: the table is full (E2BIG)\n",
			},
			{ type: "get all", out: "0 tunnels, 0 local endpoints\n" },
		]);
	},
);
