import {
	Killed,
	killedAtWrite,
	type PinnedTables,
	withTables,
} from "@sluice/cli-kit/testing";
import { decapTable, tunnelTable } from "@sluice/maps/tables";
import test from "ava";
import { cli } from "../src/cli.js";

const it = withTables(test);

/** Whether TABLE-DECAP counts what TABLE-TUNNEL has: what every command must leave, or repair. */
function miscounted(tables: PinnedTables): string[] {
	const right = new Map<string, number>();
	for (const [, { local, localPort }] of tables.open(tunnelTable).entries()) {
		const name = `${local} ${localPort}`;
		right.set(name, (right.get(name) ?? 0) + 1);
	}
	const counted = new Map<string, number>();
	for (const [{ address, port }, references] of tables
		.open(decapTable)
		.entries())
		counted.set(`${address} ${port}`, references);
	return [...new Set([...right.keys(), ...counted.keys()])]
		.filter((name) => right.get(name) !== counted.get(name))
		.map((name) => `${name}: ${counted.get(name)}, not ${right.get(name)}`);
}

const before = [
	"set 1 10.0.0.1 6080 0 0",
	"set 2 10.0.0.1 6080 0 0",
	"set 3 10.0.0.3 6080 0 0",
];

for (const [title, line] of [
	["set of a new tunnel", "set 9 10.0.0.9 6080 0 0"],
	["set of a new tunnel at a shared endpoint", "set 9 10.0.0.1 6080 0 0"],
	["set that moves a tunnel", "set 1 10.0.0.9 6080 0 0"],
	["set that moves a tunnel to a shared endpoint", "set 3 10.0.0.1 6080 0 0"],
	["del", "del 3"],
	["del of one that shares its endpoint", "del 1"],
	["del all", "del all"],
] as const)
	for (const [repair, again] of [
		["the same again", line],
		["set of another", "set 4 10.0.0.4 6080 0 0"],
		["del of another", "del 2 --if-exists"],
	] as const)
		it(`${title}, killed anywhere, is mended by ${repair}`, async (t, tables) => {
			for (let writes = 0; ; writes++) {
				await tables.run(cli, "del all");
				for (const command of before) await tables.run(cli, command);
				const kernel = killedAtWrite(writes);
				const ended = await tables.run(cli, line, { kernel });
				const finished = ended.code === 0;
				t.true(finished || ended.err.includes(Killed.name), ended.err);
				await tables.run(cli, again);
				t.deepEqual(miscounted(tables), [], `after ${writes} writes`);
				if (finished) {
					t.true(writes >= 3);
					return;
				}
			}
		});
