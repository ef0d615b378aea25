import { randomBytes, randomInt } from "node:crypto";
import { badInput, Failure } from "@sluice/cli-kit";
import { deleteOf, type Etcd, putOf, unchangedSince } from "../etcd/etcd.js";
import type { Paths } from "../rows/paths.js";
import { linkOf, type Rows } from "../rows/rows.js";
import type { Link } from "./documents.js";
import {
	type Current,
	currentOf,
	type Pushed,
	type PushOptions,
	push,
} from "./push.js";
import { waitForAgents } from "./wait.js";

/** What was claimed for a link, once for both ends. */
interface Claim {
	tunnel: number;
	/** "1.2": service and group id. */
	sid: string;
	gateway: string;
	node: string;
}

/** Random ids that may be another's before this is given up. */
const TRIES = 20;

/** Seconds that the ids of a deleted link stay claimed: its late packets must not match another link. */
const GRACE = 86_400;

const LARGEST_TUNNEL = 0x7fff_ffff;
const LARGEST_ID = 0xffff;

/**
 * Pushes a link to both of its machines, the node first, so that it accepts the gateway's packets.
 * @param seconds that each agent has; undefined: they are not waited for
 * @throws Failure as `push` and `waitForAgents`
 */
export async function pushLink(
	etcd: Etcd,
	paths: Paths,
	link: Link,
	options: PushOptions,
	seconds: number | undefined,
): Promise<Pushed[]> {
	const ends = {
		node: await currentOf(etcd, paths, link.node.machine),
		gateway: await currentOf(etcd, paths, link.gateway.machine),
	};
	const pushEnds = async (dryRun: boolean): Promise<Pushed[]> => {
		const claim = await claimOf(etcd, paths, link, Object.values(ends), dryRun);
		const key = ends.gateway.rows.get(`keys/${claim.sid}`) ?? newKey(link.name);
		const all: Pushed[] = [];
		for (const end of ["node", "gateway"] as const) {
			const { machine } = link[end];
			const one = await push(
				etcd,
				paths,
				machine,
				ends[end],
				rowsWithLink(
					machine,
					ends[end],
					link.name,
					rows[end](link, claim, key),
				),
				{ ...options, dryRun },
			);
			all.push(one);
			if (seconds !== undefined && !dryRun)
				await waitForAgents(
					etcd,
					paths,
					new Map([[machine, one.generation]]),
					seconds,
				);
		}
		return all;
	};
	// Both ends are known to be right before one is written.
	const planned = await pushEnds(true);
	return options.dryRun ? planned : pushEnds(false);
}

/** Takes a link away from both machines, the gateway first. */
export async function deleteLink(
	etcd: Etcd,
	paths: Paths,
	name: string,
	options: PushOptions,
	seconds: number | undefined,
): Promise<Pushed[]> {
	const row = await etcd.get(paths.link(name));
	if (!row) throw badInput(`no link "${name}"`);
	const claim = JSON.parse(row.value) as Claim;
	const all: Pushed[] = [];
	for (const machine of [claim.gateway, claim.node]) {
		const current = await currentOf(etcd, paths, machine);
		const wanted = rowsWithLink(machine, current, name, new Map());
		const one = await push(etcd, paths, machine, current, wanted, {
			...options,
			allowEmpty: true,
		});
		all.push(one);
		if (seconds !== undefined && !options.dryRun)
			await waitForAgents(
				etcd,
				paths,
				new Map([[machine, one.generation]]),
				seconds,
			);
	}
	if (options.dryRun) return all;
	const { ID } = await etcd.call(({ lease }, call) =>
		lease.leaseGrant({ TTL: BigInt(GRACE) }, call),
	);
	const owner = JSON.stringify({ was: name });
	await etcd.transact(
		[unchangedSince(paths.link(name), row.revision)],
		[
			deleteOf(paths.link(name)),
			putOf(paths.tunnelId(claim.tunnel), owner, ID),
			putOf(paths.sid(claim.sid), owner, ID),
		],
	);
	return all;
}

/** The ids of a link: those that it has, or new ones, which no other link has claimed. */
async function claimOf(
	etcd: Etcd,
	paths: Paths,
	link: Link,
	machines: readonly Current[],
	isDry: boolean,
): Promise<Claim> {
	const known = await etcd.get(paths.link(link.name));
	if (known) {
		const claim = JSON.parse(known.value) as Claim;
		if (
			claim.gateway === link.gateway.machine &&
			claim.node === link.node.machine
		)
			return claim;
		throw badInput(
			`link "${link.name}" is between ${claim.gateway} and ${claim.node}`,
			"delete it first, with push --delete",
		);
	}
	for (let tries = 0; tries < TRIES; tries++) {
		const tunnel = randomInt(1, LARGEST_TUNNEL);
		const sid = `${randomInt(1, LARGEST_ID)}.${randomInt(1, LARGEST_ID)}`;
		// Documents of machines number by themselves.
		const isTaken = machines.some(
			({ rows }) =>
				rows.has(`tunnels/${tunnel}`) || rows.has(`services/${sid}`),
		);
		if (isTaken) continue;
		const claim: Claim = {
			tunnel,
			sid,
			gateway: link.gateway.machine,
			node: link.node.machine,
		};
		if (isDry) return claim;
		const owner = JSON.stringify({
			link: link.name,
			ends: [claim.gateway, claim.node],
		});
		const keys = [
			paths.link(link.name),
			paths.tunnelId(tunnel),
			paths.sid(sid),
		];
		const isClaimed = await etcd.transact(
			keys.map((key) => unchangedSince(key, 0n)),
			[
				putOf(paths.link(link.name), JSON.stringify(claim)),
				putOf(paths.tunnelId(tunnel), owner),
				putOf(paths.sid(sid), owner),
			],
		);
		if (isClaimed) return claim;
		// Another push of the same link may have been quicker.
		if (await etcd.get(paths.link(link.name)))
			return claimOf(etcd, paths, link, machines, isDry);
	}
	throw new Failure("failed", `link "${link.name}": no free ids were found`, {
		code: "NO_IDS",
	});
}

const newKey = (link: string) =>
	JSON.stringify({
		keys: [{ hex: randomBytes(16).toString("hex") }],
		link,
	});

/** What both ends have of the service. */
function serviceRows(
	{ name, protocol, proxy, backend }: Link,
	{ tunnel, sid }: Claim,
	key: string,
): Rows {
	return new Map([
		[
			`services/${sid}`,
			JSON.stringify({ protocol, proxy, backend, tunnel, link: name }),
		],
		[`keys/${sid}`, key],
	]);
}

/** The rows of each end. */
const rows = {
	node: (link: Link, claim: Claim, key: string) => nodeRows(link, claim, key),
	gateway: (link: Link, claim: Claim, key: string) =>
		gatewayRows(link, claim, key),
};

/** The node knows where the gateway is, and pings it. */
const nodeRows = (link: Link, claim: Claim, key: string): Rows =>
	new Map([
		[
			`tunnels/${claim.tunnel}`,
			JSON.stringify({
				local: link.node.address,
				remote: link.gateway.address,
				link: link.name,
			}),
		],
		...serviceRows(link, claim, key),
	]);

/** The gateway learns where the node is: a NAT may be between. */
const gatewayRows = (link: Link, claim: Claim, key: string): Rows =>
	new Map([
		[
			`tunnels/${claim.tunnel}`,
			JSON.stringify({
				local: link.gateway.address,
				remote: "learned",
				link: link.name,
			}),
		],
		...serviceRows(link, claim, key),
	]);

/** A machine's rows with those of a link replaced. */
function rowsWithLink(
	machine: string,
	{ rows: current }: Current,
	link: string,
	rows: Rows,
): Rows {
	const wanted: Rows = new Map();
	for (const [key, value] of current) {
		if (linkOf(value) === link) continue;
		if (rows.has(key))
			throw badInput(`${machine}: ${key} is a row of its document already`);
		wanted.set(key, value);
	}
	return new Map([...wanted, ...rows]);
}
