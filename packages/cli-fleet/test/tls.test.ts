// Needs root, BPF, etcd and openssl: certificates and one role per machine.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { PinnedTables } from "@sluice/cli-kit/testing";
import { needs, ownNamespaces, testWith } from "@sluice/testbed";
import test from "ava";
import { cli } from "../src/cli.js";
import { Etcd } from "../src/etcd/etcd.js";
import { watch } from "../src/etcd/watch.js";
import { Certificates } from "./helpers/certificates.js";
import { gateway } from "./helpers/documents.js";
import { EtcdServer } from "./helpers/etcd.js";

if (process.getuid?.() === 0)
	test.before(() => {
		ownNamespaces();
		execFileSync("ip", ["link", "set", "lo", "up"]);
	});

testWith(
	test,
	needs.root,
	needs.bpf,
)("a machine reads its rows alone, and writes its status alone", async (t) => {
	const certificates = new Certificates();
	const server = certificates.make("server");
	const etcd = new EtcdServer("default", [
		...["--cert-file", server.cert, "--key-file", server.key],
		...["--trusted-ca-file", certificates.ca, "--client-cert-auth"],
	]);
	const tables = new PinnedTables();
	const stop = new AbortController();
	t.teardown(async () => {
		await etcd.close();
		tables.close();
		certificates.close();
	});
	await etcd.start();
	const as = (user: string) => {
		const { cert, key } = certificates.make(user);
		return [
			"--etcd",
			etcd.url,
			"--ca",
			certificates.ca,
			"--cert",
			cert,
			"--key",
			key,
		];
	};
	const root = as("root");
	const run = (words: readonly string[], input = "") =>
		tables.run(cli, words, { input });
	const { code, out } = await run(["roles", "gw1", "gw2", "--apply", ...root]);
	t.is(code, 0);
	t.regex(out, /created role sluice-gw1\ncreated user gw1/);
	t.is(
		(await run(["roles", "gw1", "gw2", "--apply", ...root])).out,
		"nothing was missing\n",
	);
	const client = new Etcd({ endpoints: [etcd.url], tls: pem(root) });
	await client.call(({ auth }) =>
		auth.userAdd({ name: "root", options: { noPassword: true } }),
	);
	await client.call(({ auth }) => auth.roleAdd({ name: "root" }));
	await client.call(({ auth }) =>
		auth.userGrantRole({ user: "root", role: "root" }),
	);
	await client.call(({ auth }) => auth.authEnable({}));

	const gw1 = as("gw1");
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
	const mine = new Etcd({ endpoints: [etcd.url], tls: pem(gw1) });
	t.teardown(() => {
		mine.close();
		client.close();
	});
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
			mine,
			"/sluice/v1/machines/gw2/",
			await client.list("/none"),
			AbortSignal.timeout(5000),
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

const pem = (options: readonly string[]) => {
	const file = (name: string) =>
		readFileSync(options[options.indexOf(name) + 1] as string);
	return { ca: file("--ca"), cert: file("--cert"), key: file("--key") };
};
