// Needs root and BPF: reads pinned tables.

import { session } from "@sluice/cli-kit/testing";
import { verifyTable } from "@sluice/maps/tables";
import { cli } from "../src/cli.js";
import { changed, gateway, json, yaml } from "./helpers/documents.js";
import { it, learnRemote } from "./helpers/tables.js";

it("what export prints is what was applied, in YAML and in JSON", async (t, tables) => {
	const content = changed((c) => {
		c.services.push({
			service: 9,
			group: 0,
			protocol: "tcp",
			proxy: "[2001:db8::1]:80",
			backend: "[2001:db8::2]:80",
			tunnel: 101,
			keys: [{ text: 'quotes " and \\' }],
		});
	});
	await tables.run(cli, "-", { input: yaml(content) });
	const asJson = await tables.run(cli, "export --show-keys --json");
	t.deepEqual(JSON.parse(asJson.out), content);
	const asYaml = await tables.run(cli, "export --show-keys");
	for (const input of [asJson.out, asYaml.out])
		await session(t, tables, cli, [
			{
				type: "diff -",
				env: { input },
				out: "0 differences, not applied: 0 rows written, 0 deleted\n",
			},
		]);
});

it("export hides keys, and such a document is refused", async (t, tables) => {
	await tables.run(cli, "-", { input: json(gateway()) });
	const { out } = await tables.run(cli, "export");
	t.notRegex(out, /Pa55|0001020304/);
	const { code, err } = await tables.run(cli, "-", { input: out });
	t.is(code, 2);
	t.regex(
		err,
		/services\[0\]\.keys: the keys were left out; export with --show-keys\n/,
	);
});

it("a remote that was learned is exported as learned", async (t, tables) => {
	await tables.run(cli, "-", { input: json(gateway()) });
	learnRemote(tables, 100);
	await session(t, tables, cli, [
		{
			type: "diff -",
			env: { input: (await tables.run(cli, "export --show-keys")).out },
			out: "0 differences, not applied: 0 rows written, 0 deleted\n",
		},
	]);
});

it("diff ends with 1 where the tables differ, and prints no key", async (t, tables) => {
	await tables.run(cli, "-", { input: json(gateway()) });
	await session(t, tables, cli, [
		{
			type: "diff -",
			env: {
				input: json(
					changed((c) =>
						Object.assign(c.services[0] as object, {
							keys: [{ text: "s3cr3t" }],
						}),
					),
				),
			},
			code: 1,
			out: [
				"~ service 1 2 tcp 203.0.113.10:80 -> 192.168.7.2:8080 in tunnel 100, another key (was tcp 203.0.113.10:80 -> 192.168.7.2:8080 in tunnel 100)",
				"1 difference, not applied: 2 rows written, 0 deleted",
				"",
			].join("\n"),
			err: "cli_apply: diff: 1 difference from the document; cli_apply - makes them equal\n",
		},
	]);
});

it("status says what was applied, and whether rows were changed since", async (t, tables) => {
	await session(t, tables, cli, [
		{
			type: "status",
			code: 3,
			err: "cli_apply: status: nothing was applied\n",
		},
	]);
	await tables.run(cli, "-", { input: json(gateway()) });
	const look = async () =>
		JSON.parse((await tables.run(cli, "status --json")).out);
	t.like(await look(), {
		machine: "gw1",
		generation: 1,
		only: null,
		drifted: false,
	});
	// A remote that is learned is no drift.
	learnRemote(tables, 100);
	t.false((await look()).drifted);
	const services = tables.open(verifyTable);
	const service = services.get({ service: 1, group: 2 });
	if (!service) return t.fail();
	services.set(
		{ service: 1, group: 2 },
		{ ...service, key: Buffer.from("other") },
	);
	t.true((await look()).drifted);
});
