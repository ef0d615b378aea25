import type { Certificates } from "../../../packages/cli-fleet/test/helpers/certificates.js";
import { STORE } from "./network.js";

/** How etcd runs, and is reached. */
export interface Etcd {
	/** Members. */
	size: number;
	/** The command line of a member. */
	line(i: number): string;
	/** Options of cli_fleet for a user. */
	access(user: string): string;
	/** Environment of etcdctl. */
	etcdctl: string;
	/** Command lines that are run once all members run. */
	begin: readonly string[];
}

/** The port of the first member. */
export const PORT = 2379;

/** Who pushes. */
export const OPERATOR = "root";

/** One member, without certificates. */
export function oneMember(directory: string): Etcd {
	const url = `http://${STORE}:${PORT}`;
	return {
		size: 1,
		line: () =>
			`etcd --data-dir ${directory}/etcd --listen-client-urls ${url} --advertise-client-urls ${url}`,
		access: () => `--etcd ${url}`,
		etcdctl: `ETCDCTL_API=3 ETCDCTL_ENDPOINTS=${url}`,
		begin: [],
	};
}

const SIZE = 3;

/** Three members, each user with a certificate and a role. */
export function threeMembers(
	directory: string,
	users: readonly string[],
	certificates: Certificates,
): Etcd {
	const server = certificates.make("server");
	for (const user of [OPERATOR, ...users]) certificates.make(user);
	const all = Array.from({ length: SIZE }, (_, i) => i);
	const client = (i: number) => `https://${STORE}:${PORT + 10 * i}`;
	const peer = (i: number) => `http://${STORE}:${PORT + 10 * i + 1}`;
	const urls = all.map(client).join(",");
	const file = (name: string) => `${certificates.directory}/${name}`;
	const access = (user: string) =>
		`--etcd ${urls} --ca ${certificates.ca} --cert ${file(`${user}.pem`)} --key ${file(`${user}.key`)}`;
	const etcdctl = [
		`ETCDCTL_API=3 ETCDCTL_ENDPOINTS=${urls} ETCDCTL_CACERT=${certificates.ca}`,
		`ETCDCTL_CERT=${file(`${OPERATOR}.pem`)} ETCDCTL_KEY=${file(`${OPERATOR}.key`)}`,
	].join(" ");
	return {
		size: SIZE,
		line: (i) =>
			[
				`etcd --name m${i} --data-dir ${directory}/etcd${i}`,
				`--listen-client-urls ${client(i)} --advertise-client-urls ${client(i)}`,
				`--listen-peer-urls ${peer(i)} --initial-advertise-peer-urls ${peer(i)}`,
				`--initial-cluster ${all.map((n) => `m${n}=${peer(n)}`).join(",")}`,
				`--cert-file ${server.cert} --key-file ${server.key}`,
				`--trusted-ca-file ${certificates.ca} --client-cert-auth`,
			].join(" "),
		access,
		etcdctl,
		begin: [
			`cli_fleet roles ${users.join(" ")} --apply ${access(OPERATOR)}`,
			...[
				`user add ${OPERATOR} --no-password`,
				`role add ${OPERATOR}`,
				`user grant-role ${OPERATOR} ${OPERATOR}`,
				"auth enable",
			].map((line) => `export ${etcdctl}; etcdctl ${line}`),
		],
	};
}
