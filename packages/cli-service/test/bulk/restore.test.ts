import {
	Killed,
	killedAtWrite,
	type PinnedTables,
	session,
	withTables,
} from "@sluice/cli-kit/testing";
import { Address } from "@sluice/maps/address";
import { encapTable, natTable, verifyTable } from "@sluice/maps/tables";
import test from "ava";
import { cli } from "../../src/cli.js";
import { setTunnel } from "../helpers/tunnel.js";

const withKernel = withTables(test);

/** A test with tunnels 7 and 100. */
const it: typeof withKernel = (title, body) =>
	withKernel(title, (t, tables) => {
		for (const id of [7, 100]) setTunnel(tables, id);
		return body(t, tables);
	});

const set = (service: number, proxy: string, backend: string, tunnel = 100) =>
	`set ${service} 1 tcp ${proxy} 80 ${backend} 8080 ${tunnel} key\n`;

const saved = async (tables: PinnedTables) =>
	(await tables.run(cli, "save")).out;

/** Rows of the three tables. */
const sizes = (tables: PinnedTables) =>
	[verifyTable, encapTable, natTable].map(
		(table) => [...tables.open<unknown, unknown>(table).entries()].length,
	);

it("save prints the keys so that they are read back, whatever is in them", async (t, tables) => {
	const input = [
		"set 1 1 tcp 5.0.0.1 80 1.0.0.1 80 7 Pa55w0rd",
		"set 1 2 udp fd00::1 80 fd00::2 80 7 'it'\\''s # 1'",
		"set -- 2 1 tcp 5.0.0.2 80 1.0.0.2 80 7 -dash",
		"set 3 1 tcp 5.0.0.3 80 1.0.0.3 80 7 hex:00ff00000000000000000000000000aa",
		"",
	].join("\n");
	await session(t, tables, cli, [
		{
			type: "batch -",
			env: { input },
			out: "4 lines: 16 rows written, 0 deleted\n",
		},
		{ type: "save", out: input },
		{
			type: "restore -",
			env: { input },
			out: "4 lines: 0 rows written, 0 deleted\n",
		},
	]);
});

it("restore lets services exchange their endpoints", async (t, tables) => {
	await tables.run(cli, "batch -", {
		input: set(1, "5.0.0.1", "1.0.0.1") + set(2, "5.0.0.2", "1.0.0.2"),
	});
	const input = set(1, "5.0.0.2", "1.0.0.1") + set(2, "5.0.0.1", "1.0.0.2");
	await session(t, tables, cli, [
		{
			type: "restore - --dry-run",
			env: { input },
			out: `~ set 1 1 tcp 5.0.0.2 80 1.0.0.1 8080 100 '(hidden)'
~ set 2 1 tcp 5.0.0.1 80 1.0.0.2 8080 100 '(hidden)'
2 differences, not applied: 6 rows written, 0 deleted
`,
		},
		{
			type: "restore -",
			env: { input },
			out: "2 lines: 6 rows written, 0 deleted\n",
		},
		{ type: "save", out: input },
	]);
});

it("restore --dry-run shows keys to who asks for them", async (t, tables) => {
	await session(t, tables, cli, [
		{
			type: "restore - --dry-run",
			env: {
				input: set(1, "5.0.0.1", "1.0.0.1"),
				vars: { SLUICE_SHOW_KEYS: "1" },
			},
			out: `+ ${set(1, "5.0.0.1", "1.0.0.1")}1 difference, not applied: 4 rows written, 0 deleted\n`,
		},
	]);
});

it("restore says which services have no tunnel", (t, tables) =>
	session(t, tables, cli, [
		{
			type: "restore -",
			env: {
				input: set(1, "5.0.0.1", "1.0.0.1") + set(2, "5.0.0.2", "1.0.0.2", 9),
			},
			out: "2 lines: 8 rows written, 0 deleted\n",
			err: "cli_service: restore: 1 service without a tunnel, service 2 1 among them: tunnel 9 is not set\n",
		},
	]));

it("restore refuses services that want the same", (t, tables) =>
	session(t, tables, cli, [
		{
			type: "restore -",
			env: {
				input: set(1, "5.0.0.1", "1.0.0.1") + set(2, "5.0.0.1", "1.0.0.2"),
			},
			code: 2,
			err: "cli_service: restore: line 2: proxy tcp 5.0.0.1:80 belongs to service 1 1; delete it first or use --force\ncli_service: restore: 1 error: nothing was changed\n",
		},
	]));

it("restore takes away rows that belong to no service", async (t, tables) => {
	const input = set(1, "5.0.0.1", "1.0.0.1");
	await tables.run(cli, "batch -", { input });
	const stray = { address: Address.of("9.9.9.9"), port: 9, proto: 17 };
	tables.open(natTable).set(stray, stray);
	await session(t, tables, cli, [
		{
			type: "restore -",
			env: { input },
			out: "1 line: 0 rows written, 1 deleted\n",
		},
	]);
	t.deepEqual(sizes(tables), [1, 1, 2]);
});

it("restore, killed anywhere, is finished by the same restore", async (t, tables) => {
	const before =
		set(1, "5.0.0.1", "1.0.0.1") +
		set(2, "5.0.0.2", "1.0.0.2") +
		set(3, "5.0.0.3", "1.0.0.3");
	const input =
		set(1, "5.0.0.2", "1.0.0.1") +
		set(2, "5.0.0.1", "1.0.0.9") +
		set(4, "5.0.0.4", "1.0.0.4", 7);
	for (let writes = 0; ; writes++) {
		await tables.run(cli, "restore -", { input: before });
		const kernel = killedAtWrite(writes);
		const ended = await tables.run(cli, "restore -", { input, kernel });
		const finished = ended.code === 0;
		t.true(finished || ended.err.includes(Killed.name), ended.err);
		await tables.run(cli, "restore -", { input });
		t.is(await saved(tables), input, `after ${writes} writes`);
		t.deepEqual(sizes(tables), [3, 3, 6]);
		if (finished) {
			t.true(writes > 15);
			return;
		}
	}
});

it("a service is reachable only while it is complete, wherever a batch is killed", async (t, tables) => {
	const input = set(1, "5.0.0.1", "1.0.0.1") + set(2, "5.0.0.2", "1.0.0.2");
	for (let writes = 0; writes <= 8; writes++) {
		await tables.run(cli, "del all");
		await tables.run(cli, "batch -", { input, kernel: killedAtWrite(writes) });
		const nat = tables.open(natTable);
		for (const service of [1, 2]) {
			const [proxy, backend] = [
				{ address: Address.of(`5.0.0.${service}`), port: 80, proto: 6 },
				{ address: Address.of(`1.0.0.${service}`), port: 8080, proto: 6 },
			] as const;
			if (!nat.get(proxy)) continue;
			t.truthy(nat.get(backend));
			t.truthy(tables.open(encapTable).get(backend));
			t.truthy(tables.open(verifyTable).get({ service, group: 1 }));
		}
	}
});
