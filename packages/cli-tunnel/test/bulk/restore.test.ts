import {
	Killed,
	killedAtWrite,
	type PinnedTables,
	session,
	withTables,
} from "@sluice/cli-kit/testing";
import { Address } from "@sluice/maps/address";
import { decapTable, tunnelTable, verifyTable } from "@sluice/maps/tables";
import test from "ava";
import { cli } from "../../src/cli.js";

const it = withTables(test);

const saved = async (tables: PinnedTables) =>
	(await tables.run(cli, "save")).out;

/** Local endpoints and how many tunnels have them. */
const references = (tables: PinnedTables) =>
	[...tables.open(decapTable).entries()]
		.map(
			([{ address, port }, references]) => `${address} ${port} ${references}`,
		)
		.sort();

it("restore makes the tables equal to the file, and touches nothing else", async (t, tables) => {
	const input = "set 1 10.0.0.1 6080 0 0\nset 3 10.0.0.3 6080 10.9.0.3 6080\n";
	await session(t, tables, cli, [
		{
			type: "batch -",
			env: {
				input:
					"set 1 10.0.0.1 6080 0 0\nset 2 10.0.0.1 6080 0 0\nset 3 10.0.0.3 6080 0 0",
			},
			out: "3 lines: 5 rows written, 0 deleted\n",
		},
		{
			type: "restore --dry-run - --json",
			env: { input },
			out: '{"lines":2,"differences":[{"change":"change","line":"set 3 10.0.0.3 6080 10.9.0.3 6080"},{"change":"delete","line":"del 2"}],"written":2,"deleted":1,"tables":{"map_tunnel":{"added":0,"changed":1,"deleted":1},"map_decap":{"added":0,"changed":1,"deleted":0}}}\n',
		},
		{
			type: "restore -",
			env: { input },
			out: "2 lines: 2 rows written, 1 deleted\n",
		},
		{ type: "save", out: input },
		{
			type: "restore -",
			env: { input },
			out: "2 lines: 0 rows written, 0 deleted\n",
		},
	]);
	t.deepEqual(references(tables), ["10.0.0.1 6080 1", "10.0.0.3 6080 1"]);
});

it("restore deletes a tunnel that services use only with --force", async (t, tables) => {
	const endpoint = { address: Address.of("1.0.0.1"), port: 80, proto: 6 };
	await tables.run(cli, "set 1 10.0.0.1 6080 0 0");
	tables
		.open(verifyTable)
		.set(
			{ service: 1, group: 2 },
			{ key: Buffer.alloc(16), tunnel: 1, proxy: endpoint, backend: endpoint },
		);
	await session(t, tables, cli, [
		{
			type: "restore - --allow-empty",
			code: 1,
			err: "cli_tunnel: restore: tunnel 1 is used by 1 service, 1 2 among them; delete them first or use --force\n",
		},
		{ type: "save", out: "set 1 10.0.0.1 6080 0 0\n" },
		{
			type: "restore - --allow-empty --force",
			out: "0 lines: 0 rows written, 2 deleted\n",
		},
	]);
});

it("a learned remote is saved, or left to be learned again, and survives both", async (t, tables) => {
	const learned = {
		local: Address.of("10.0.0.1"),
		localPort: 6080,
		remote: Address.of("10.9.0.1"),
		remotePort: 4321,
		lastPing: 99n,
	};
	await tables.run(cli, "set 1 10.0.0.1 6080 0 0");
	tables.open(tunnelTable).set(1, learned);
	await session(t, tables, cli, [
		{ type: "save", out: "set 1 10.0.0.1 6080 10.9.0.1 4321\n" },
		{
			type: "save --without-learned --json",
			out: '{"lines":["set 1 10.0.0.1 6080 0 0"]}\n',
		},
		...["10.9.0.1 4321", "0 0"].map((remote) => ({
			type: "restore -",
			env: { input: `set 1 10.0.0.1 6080 ${remote}` },
			out: "1 line: 0 rows written, 0 deleted\n",
		})),
	]);
	t.deepEqual(tables.open(tunnelTable).get(1), learned);
});

it("restore counts again what another program has miscounted", async (t, tables) => {
	await tables.run(cli, "set 1 10.0.0.1 6080 0 0");
	tables
		.open(decapTable)
		.set({ address: Address.of("10.0.0.1"), port: 6080, proto: 17 }, 9);
	tables
		.open(decapTable)
		.set({ address: Address.of("10.0.0.9"), port: 6080, proto: 17 }, 1);
	await session(t, tables, cli, [
		{
			type: "restore -",
			env: { input: await saved(tables) },
			out: "1 line: 1 row written, 1 deleted\n",
		},
	]);
	t.deepEqual(references(tables), ["10.0.0.1 6080 1"]);
});

it("restore, killed anywhere, is finished by the same restore", async (t, tables) => {
	const input =
		"set 1 10.0.0.9 6080 0 0\nset 3 10.0.0.1 6080 0 0\nset 4 10.0.0.4 6080 10.9.9.9 1\n";
	for (let writes = 0; ; writes++) {
		await tables.run(cli, "del all");
		for (const [id, host] of [
			[1, 1],
			[2, 1],
			[3, 3],
		])
			await tables.run(cli, `set ${id} 10.0.0.${host} 6080 0 0`);
		const kernel = killedAtWrite(writes);
		const ended = await tables.run(cli, "restore -", { input, kernel });
		const finished = ended.code === 0;
		t.true(finished || ended.err.includes(Killed.name), ended.err);
		await tables.run(cli, "restore -", { input });
		t.is(await saved(tables), input, `after ${writes} writes`);
		t.deepEqual(references(tables), [
			"10.0.0.1 6080 1",
			"10.0.0.4 6080 1",
			"10.0.0.9 6080 1",
		]);
		if (finished) {
			t.is(writes, 11);
			return;
		}
	}
});
