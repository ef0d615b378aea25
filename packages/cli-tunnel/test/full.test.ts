import { session, withTables } from "@sluice/cli-kit/testing";
import { decapTable, tunnelTable } from "@sluice/maps/tables";
import test from "ava";
import { cli } from "../src/cli.js";

const tunnel = (id: number) => `set ${id} 10.0.0.${id} 6080 0 0`;
const set = (id: number) => ({
	type: tunnel(id),
	out: `TUN\t       ${id}\t   10.0.0.${id}:6080 -> 0.0.0.0:0\n`,
});
const [first, second, third] = [set(1), set(2), set(3)];

withTables(test, { maxEntries: { map_tunnel: 2 } })(
	"a full table of tunnels takes no third one, and changes to those it has",
	async (t, tables) => {
		await session(t, tables, cli, [
			first,
			second,
			{
				type: tunnel(3),
				code: 1,
				err: "cli_tunnel: set: write map_tunnel: the table is full (E2BIG)\n",
			},
			{
				type: `${tunnel(3)} --json`,
				code: 1,
				err: '{"error":{"code":"E2BIG","message":"write map_tunnel: the table is full (E2BIG)"}}\n',
			},
			second,
			{
				type: "set 2 10.0.0.9 6080 0 0",
				out: "TUN\t       2\t   10.0.0.9:6080 -> 0.0.0.0:0\n",
			},
			{ type: "del 1", out: "deleted 1 tunnel\n" },
			third,
		]);
		t.deepEqual(
			[...tables.open(decapTable).entries()]
				.map(([{ address }, references]) => `${address} ${references}`)
				.sort(),
			["10.0.0.3 1", "10.0.0.9 1"],
		);
	},
);

withTables(test, { maxEntries: { map_decap: 1 } })(
	"a full table of local endpoints leaves no half of a tunnel",
	async (t, tables) => {
		const full = "write map_decap: the table is full (E2BIG)";
		await session(t, tables, cli, [
			first,
			{ type: tunnel(2), code: 1, err: `cli_tunnel: set: ${full}\n` },
			{
				type: "get all",
				out: `${first.out.trimEnd()}\tunknown\tno ping\nDECAP\tudp\t10.0.0.1:6080\t1\n1 tunnel, 1 local endpoint\n`,
			},
			// What it leaves makes room for what it takes.
			{
				type: "set 1 10.0.0.9 6080 0 0",
				out: "TUN\t       1\t   10.0.0.9:6080 -> 0.0.0.0:0\n",
			},
		]);
		t.is([...tables.open(tunnelTable).entries()].length, 1);
	},
);
