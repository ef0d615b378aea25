// Needs root, BPF, etcd and openssl: an agent's certificate expires, or its role is taken away; the kernel keeps what it has.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { PinnedTables } from "@sluice/cli-kit/testing";
import { verifyTable } from "@sluice/maps/tables";
import { needs, ownNamespaces, testWith } from "@sluice/testbed";
import test from "ava";
import { cli } from "../src/cli.js";
import { Etcd } from "../src/etcd/etcd.js";
import { Certificates } from "../test/helpers/certificates.js";
import { gateway } from "../test/helpers/documents.js";
import { EtcdServer } from "../test/helpers/etcd.js";

if (process.getuid?.() === 0)
	test.before(() => {
		ownNamespaces();
		execFileSync("ip", ["link", "set", "lo", "up"]);
	});

const it = testWith(test, needs.root, needs.bpf);

it("an agent whose certificate has expired keeps its tables, and goes on with a new one", async (t) => {
	const certificates = new Certificates();
	const server = certificates.make("server");
	const etcd = new EtcdServer("default", [
		...["--cert-file", server.cert, "--key-file", server.key],
		...["--trusted-ca-file", certificates.ca, "--client-cert-auth"],
	]);
	const tables = new PinnedTables();
	t.teardown(async () => {
		await etcd.close();
		tables.close();
		certificates.close();
	});
	await etcd.start();
	const options = ({ cert, key }: { cert: string; key: string }) => [
		...["--etcd", etcd.url, "--ca", certificates.ca],
		...["--cert", cert, "--key", key],
	];
	const operator = options(certificates.make("operator"));
	const push = (count: number, ...more: string[]) =>
		tables.run(cli, ["push", "-", ...operator, ...more], {
			input: JSON.stringify(gateway("gw1", count)),
		});
	const run = (certificate: { cert: string; key: string }) => {
		const stop = new AbortController();
		const ended = tables.run(
			cli,
			[
				...["run", "--machine", "gw1"],
				...["--directory", certificates.directory, ...options(certificate)],
			],
			{ stopped: stop.signal },
		);
		return async () => {
			stop.abort();
			return ended;
		};
	};
	const services = () => [...tables.open(verifyTable).entries()].length;
	const short = certificates.make("gw1", 5);
	const stop = run(short);
	t.is((await push(2, "--wait")).code, 0);
	await sleep(6000);
	// An open connection stays; the next one is refused.
	await etcd.stop();
	await etcd.start();
	t.is((await push(3)).code, 0);
	await sleep(2000);
	t.is(services(), 2);
	const { err } = await stop();
	t.regex(err, /certificate|ETCD_UNREACHABLE/);
	const again = run(certificates.make("gw1"));
	t.is((await push(4, "--wait")).code, 0);
	t.is(services(), 4);
	await again();
});

it("an agent whose role is taken away keeps its tables, and goes on when it has it again", async (t) => {
	const certificates = new Certificates();
	const server = certificates.make("server");
	const etcd = new EtcdServer("default", [
		...["--cert-file", server.cert, "--key-file", server.key],
		...["--trusted-ca-file", certificates.ca, "--client-cert-auth"],
	]);
	const tables = new PinnedTables();
	const stop = new AbortController();
	const pem = ({ cert, key }: { cert: string; key: string }) => ({
		ca: readFileSync(certificates.ca),
		cert: readFileSync(cert),
		key: readFileSync(key),
	});
	await etcd.start();
	const rootPem = certificates.make("root");
	const root = new Etcd({ endpoints: [etcd.url], tls: pem(rootPem) });
	t.teardown(async () => {
		root.close();
		await etcd.close();
		tables.close();
		certificates.close();
	});
	const options = ({ cert, key }: { cert: string; key: string }) => [
		...["--etcd", etcd.url, "--ca", certificates.ca],
		...["--cert", cert, "--key", key],
	];
	await tables.run(cli, ["roles", "gw1", "--apply", ...options(rootPem)]);
	await root.call(({ auth }) =>
		auth.userAdd({ name: "root", options: { noPassword: true } }),
	);
	await root.call(({ auth }) => auth.roleAdd({ name: "root" }));
	await root.call(({ auth }) =>
		auth.userGrantRole({ user: "root", role: "root" }),
	);
	await root.call(({ auth }) => auth.authEnable({}));
	const push = (count: number, ...more: string[]) =>
		tables.run(cli, ["push", "-", ...options(rootPem), ...more], {
			input: JSON.stringify(gateway("gw1", count)),
		});
	const agent = tables.run(
		cli,
		[
			...["run", "--machine", "gw1", "--directory", certificates.directory],
			...options(certificates.make("gw1")),
		],
		{ stopped: stop.signal },
	);
	const services = () => [...tables.open(verifyTable).entries()].length;
	t.is((await push(2, "--wait")).code, 0);
	await root.call(({ auth }) =>
		auth.userRevokeRole({ name: "gw1", role: "sluice-gw1" }),
	);
	// The open watch goes on, in etcd; a new one is refused.
	await etcd.stop();
	await etcd.start();
	t.is((await push(3)).code, 0);
	await sleep(2000);
	t.is(services(), 2);
	await root.call(({ auth }) =>
		auth.userGrantRole({ user: "gw1", role: "sluice-gw1" }),
	);
	t.is((await push(4, "--wait", "--timeout", "60")).code, 0);
	t.is(services(), 4);
	stop.abort();
	t.regex((await agent).err, /ETCD_PERMISSION/);
});
