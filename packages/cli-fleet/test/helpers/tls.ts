import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { PinnedTables } from "@sluice/cli-kit/testing";
import { needs, ownNamespaces, testWith } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";
import { Etcd } from "../../src/etcd/etcd.js";
import { Certificates } from "./certificates.js";
import { EtcdServer } from "./etcd.js";

interface Certificate {
	cert: string;
	key: string;
}

/** An etcd that serves owners of certificates alone, and a machine's tables. */
export class TlsFleet {
	readonly certificates = new Certificates();
	readonly tables = new PinnedTables();
	readonly etcd: EtcdServer;
	readonly #clients: Etcd[] = [];

	constructor() {
		const { cert, key } = this.certificates.make("server");
		this.etcd = new EtcdServer("default", [
			...["--cert-file", cert, "--key-file", key],
			...["--trusted-ca-file", this.certificates.ca, "--client-cert-auth"],
		]);
	}

	/** Options of a command for a certificate. */
	options = ({ cert, key }: Certificate) => [
		...["--etcd", this.etcd.url, "--ca", this.certificates.ca],
		...["--cert", cert, "--key", key],
	];

	client({ cert, key }: Certificate): Etcd {
		const client = new Etcd({
			endpoints: [this.etcd.url],
			tls: {
				ca: readFileSync(this.certificates.ca),
				cert: readFileSync(cert),
				key: readFileSync(key),
			},
		});
		this.#clients.push(client);
		return client;
	}

	async close(): Promise<void> {
		for (const client of this.#clients) client.close();
		await this.etcd.close();
		this.tables.close();
		this.certificates.close();
	}
}

/** Makes the owner of a client's certificate root: from now on, all users have their roles alone. */
export async function enableRoles(root: Etcd): Promise<void> {
	await root.call(({ auth }) =>
		auth.userAdd({ name: "root", options: { noPassword: true } }),
	);
	await root.call(({ auth }) => auth.roleAdd({ name: "root" }));
	await root.call(({ auth }) =>
		auth.userGrantRole({ user: "root", role: "root" }),
	);
	await root.call(({ auth }) => auth.authEnable({}));
}

if (process.getuid?.() === 0)
	test.before(() => {
		ownNamespaces();
		execFileSync("ip", ["link", "set", "lo", "up"]);
	});

const declare = testWith(test, needs.root, needs.bpf);

/** `test` with an etcd of its own. */
export const it = (
	title: string,
	body: (t: ExecutionContext, fleet: TlsFleet) => Promise<void>,
) =>
	declare(title, async (t) => {
		const fleet = new TlsFleet();
		t.teardown(() => fleet.close());
		await fleet.etcd.start();
		await body(t, fleet);
	});
