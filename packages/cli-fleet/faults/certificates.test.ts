// Needs root, BPF, etcd and openssl: an agent's certificate expires, or its role is taken away; the kernel keeps what it has.
import { setTimeout as sleep } from "node:timers/promises";
import { verifyTable } from "@sluice/maps/tables";
import { cli } from "../src/cli.js";
import { gateway } from "../test/helpers/documents.js";
import { enableRoles, it } from "../test/helpers/tls.js";

it("an agent whose certificate has expired keeps its tables, and goes on with a new one", async (t, {
	certificates,
	etcd,
	tables,
	options,
}) => {
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

it("an agent whose role is taken away keeps its tables, and goes on when it has it again", async (t, fleet) => {
	const { certificates, etcd, tables, options } = fleet;
	const stop = new AbortController();
	const certificate = certificates.make("root");
	const root = fleet.client(certificate);
	await tables.run(cli, ["roles", "gw1", "--apply", ...options(certificate)]);
	await enableRoles(root);
	const push = (count: number, ...more: string[]) =>
		tables.run(cli, ["push", "-", ...options(certificate), ...more], {
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
	t.is((await push(4, "--wait=60")).code, 0);
	t.is(services(), 4);
	stop.abort();
	t.regex((await agent).err, /ETCD_PERMISSION/);
});
