// Needs root and BPF: applies documents to pinned tables.

import { session } from "@sluice/cli-kit/testing";
import { Address } from "@sluice/maps/address";
import { tunnelTable } from "@sluice/maps/tables";
import { cli } from "../src/cli.js";
import { changed, gateway, many, yaml } from "./helpers/documents.js";
import { it } from "./helpers/tables.js";

const from = (content: unknown) => ({ input: yaml(content) });
const at = (
	generation: number | undefined,
	change: Parameters<typeof changed>[0] = () => {},
) =>
	changed((c) => {
		if (generation === undefined) delete c.metadata.generation;
		else c.metadata.generation = generation;
		change(c);
	});

it("a document without a row is refused, unless that is meant", async (t, tables) => {
	await tables.run(cli, "-", from(gateway()));
	const empty = {
		apiVersion: "sluice/v1",
		kind: "Machine",
		metadata: { name: "gw1" },
	};
	await session(t, tables, cli, [
		{
			type: "-",
			env: from(empty),
			code: 2,
			err: "cli_apply: the document has no row, so everything would be deleted; if this is meant, use --allow-empty\n",
		},
		{
			type: "- --allow-empty",
			env: from(empty),
			out: "generation 2: 0 rows written, 12 deleted\n",
		},
	]);
});

it("a document that deletes much is refused, unless so much may be deleted", async (t, tables) => {
	await tables.run(cli, "-", from(many(at(1), 15)));
	const code = (json: string) => JSON.parse(json).error.code;
	const refused = await tables.run(cli, "- --json", from(at(2)));
	t.is(refused.code, 2);
	t.is(code(refused.err), "MASS_DELETE");
	await session(t, tables, cli, [
		{
			type: "-",
			env: from(at(2)),
			code: 2,
			err: "cli_apply: 30 of 35 rows would be deleted, at most 20 may be; if this is meant, use --max-delete 30\n",
		},
		{
			type: "- --max-delete 50%",
			env: from(at(2)),
			code: 2,
			err: "cli_apply: 30 of 35 rows would be deleted, at most 17 may be; if this is meant, use --max-delete 30\n",
		},
		{
			type: "- --max-delete 101%",
			env: from(at(2)),
			code: 2,
			err: 'cli_apply: max-delete must be a number of rows, or a share from 0% to 100%, got "101%"\n',
		},
		{
			type: "- --max-delete 30",
			env: from(at(2)),
			out: "generation 2: 1 row written, 75 deleted\n",
		},
	]);
});

it("an older generation is refused, and the same one with other content", async (t, tables) => {
	await tables.run(cli, "-", from(at(5)));
	const other = (generation: number | undefined) =>
		from(at(generation, (c) => c.services.pop()));
	const stale = await tables.run(cli, "-", other(4));
	t.is(stale.code, 2);
	t.regex(
		stale.err,
		/^cli_apply: generation 4 is older than 5, which was applied \d{4}-.*Z; to go back, apply the older content with a higher generation\n$/,
	);
	const conflict = await tables.run(cli, "- --json", other(5));
	t.is(JSON.parse(conflict.err).error.code, "CONFLICT");
	await session(t, tables, cli, [
		{
			type: "- --generation 6",
			env: other(4),
			out: "generation 6: 0 rows written, 4 deleted\n",
		},
		{
			// Without one, each other content is the next.
			type: "-",
			env: from(at(undefined)),
			out: "generation 7: 4 rows written, 0 deleted\n",
		},
	]);
});

it("another order, layout or comment is the same content", async (t, tables) => {
	await tables.run(cli, "-", from(at(5)));
	const { code } = await tables.run(cli, "-", {
		input: `# a comment\n${yaml(at(5, (c) => c.tunnels.reverse() && c.services.reverse()))}`,
	});
	t.is(code, 0);
});

it("another machine's document is refused, unless that is meant", async (t, tables) => {
	await tables.run(cli, "-", from(at(1)));
	const other = at(2, (c) => {
		c.metadata.name = "gw2";
	});
	await session(t, tables, cli, [
		{
			type: "-",
			env: from(other),
			code: 2,
			err: 'cli_apply: the document is of machine "gw2", the one that was applied of "gw1"; if this is meant, use --force-owner\n',
		},
		{
			type: "- --force-owner",
			env: from(other),
			out: "generation 2: 0 rows written, 0 deleted\n",
		},
	]);
});

it("with --only, what the document does not own stays", async (t, tables) => {
	const tunnels = tables.open(tunnelTable);
	tunnels.set(7, {
		local: Address.of("127.0.0.1"),
		localPort: 7,
		remote: Address.of("::"),
		remotePort: 0,
		lastPing: 0n,
	});
	const only = "--only config,tunnels:100-199,services:1-9";
	await session(t, tables, cli, [
		{
			type: `- ${only}`,
			env: from(at(1)),
			// The local endpoint of the tunnel that was set by hand is counted, too.
			out: "generation 1: 13 rows written, 0 deleted\n",
		},
		{
			type: `- ${only}`,
			env: from(
				at(2, (c) =>
					c.tunnels.push({ id: 7, local: "127.0.0.1:1", remote: "learned" }),
				),
			),
			code: 2,
			err: "cli_apply: tunnel 7 is not in what the document owns, config,tunnels:100-199,services:1-9; widen --only, or take it out\n",
		},
		{
			type: "-",
			env: from(at(2)),
			code: 2,
			err: "cli_apply: the document owns all, the one that was applied config,tunnels:100-199,services:1-9; if this is meant, use --force-owner\n",
		},
		{
			type: "- --only tunnel:1",
			env: from(at(2)),
			code: 2,
			err: 'cli_apply: only must be a list of config, tunnels[:FROM-TO] and services[:FROM-TO], got "tunnel:1"\n',
		},
	]);
	t.truthy(tunnels.get(7));
});

it("a tunnel that a service outside of the document uses is not deleted", async (t, tables) => {
	await tables.run(cli, "-", from(at(1)));
	const { code, err } = await tables.run(
		cli,
		"- --only tunnels --force-owner",
		from(
			at(2, (c) => {
				c.tunnels.shift();
				c.services = [];
				c.config = [];
			}),
		),
	);
	t.is(code, 2);
	t.regex(
		err,
		/^cli_apply: -:\d+:1: tunnels: tunnel 100 is used by service 1 2, which the document does not own\n$/,
	);
});
