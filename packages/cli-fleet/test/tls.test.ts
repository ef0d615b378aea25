// Needs root, BPF, etcd and openssl: certificates and one role per machine.

import { cli } from "../src/cli.js";
import { watch } from "../src/etcd/watch.js";
import { gateway } from "./helpers/documents.js";
import { enableRoles, it } from "./helpers/tls.js";

it("a machine reads its rows alone, and writes its status alone", async (t, fleet) => {
	const { certificates, etcd, tables, options } = fleet;
	const stop = new AbortController();
	const operator = certificates.make("root");
	const root = options(operator);
	const run = (words: readonly string[], input = "") =>
		tables.run(cli, words, { input });
	const { code, out } = await run(["roles", "gw1", "gw2", "--apply", ...root]);
	t.is(code, 0);
	t.regex(out, /created role sluice-gw1\ncreated user gw1/);
	t.is(
		(await run(["roles", "gw1", "gw2", "--apply", ...root])).out,
		"nothing was missing\n",
	);
	const client = fleet.client(operator);
	await enableRoles(client);

	const machine = certificates.make("gw1");
	const gw1 = options(machine);
	const agent = tables.run(
		cli,
		["run", "--machine", "gw1", "--directory", certificates.directory, ...gw1],
		{ stopped: stop.signal },
	);
	for (const name of ["gw1", "gw2"]) {
		const pushed = await run(
			["push", "-", ...root, ...(name === "gw1" ? ["--wait"] : [])],
			JSON.stringify(gateway(name)),
		);
		t.is(pushed.code, 0, pushed.err);
	}
	const mine = fleet.client(machine);
	const refused = { code: "ETCD_PERMISSION" };
	t.is((await mine.list("/sluice/v1/machines/gw1/")).rows.size, 8);
	await t.throwsAsync(mine.list("/sluice/v1/machines/gw2/"), refused);
	await t.throwsAsync(
		mine.put("/sluice/v1/machines/gw1/commit", "{}"),
		refused,
	);
	await t.throwsAsync(mine.put("/sluice/v1/status/gw2/agent", "{}"), refused);
	await t.throwsAsync(async () => {
		for await (const _ of watch(
			mine.member,
			"/sluice/v1/machines/gw2/",
			await client.list("/none"),
			new AbortController().signal,
		))
			t.fail();
	}, refused);
	const own = await run(
		["push", "-", ...gw1],
		JSON.stringify(gateway("gw1", 3)),
	);
	t.is(own.code, 1);
	t.is(
		own.err,
		"cli_fleet: push: etcd: etcdserver: permission denied; see cli_fleet roles\n",
	);
	t.is((await run(["status", "--etcd", etcd.url])).code, 2);
	stop.abort();
	await agent;
});
