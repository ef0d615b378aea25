import { session, withTables } from "@sluice/cli-kit/testing";
import test from "ava";
import { cli } from "../src/cli.js";

const rows = (service: number, proxy: string, backend: string) =>
	`VERIFY (${service}, 0) ->\t'(hidden)'\t7\t\t(tcp ${proxy})\t(tcp ${backend})\n`;
const first = {
	type: "set 1 0 tcp 5.5.5.1 1 1.1.1.1 1 7 x",
	out: rows(1, "5.5.5.1:1", "1.1.1.1:1"),
};

for (const table of ["map_verify", "map_encap", "map_nat"]) {
	// Each service has two rows in TABLE-NAT: room for one and a half.
	const maxEntries = { [table]: table === "map_nat" ? 3 : 1 };
	const full = {
		code: 1,
		err: `cli_service: set: write ${table}: the table is full (E2BIG)\n`,
	};
	withTables(test, { maxEntries })(
		`a service that finds ${table} full leaves nothing half-written`,
		async (t, tables) => {
			await session(t, tables, cli, [first]);
			const before = (await tables.run(cli, "get all --json --show-keys")).out;
			await session(t, tables, cli, [
				{ type: "set 2 0 tcp 5.5.5.2 1 1.1.1.2 1 7 x", ...full },
				{
					type: "get all --json --show-keys",
					out: before,
				},
				// There is always room for what is there already.
				first,
				{
					type: "set 1 0 tcp 5.5.5.9 1 1.1.1.9 1 7 x",
					out: rows(1, "5.5.5.9:1", "1.1.1.9:1"),
				},
				{
					type: "set 2 0 tcp 5.5.5.9 1 1.1.1.9 1 7 x --force",
					out: rows(2, "5.5.5.9:1", "1.1.1.9:1"),
					err: "cli_service: set: proxy tcp 5.5.5.9:1 taken over: deleted service 1 0\ncli_service: set: backend tcp 1.1.1.9:1 taken over: deleted service 1 0\n",
				},
				{ type: "del 2 0", out: "deleted 1 service\n" },
				{
					type: "get all --json",
					out: '{"services":[],"encap":[],"nat":[]}\n',
				},
			]);
		},
	);
}
