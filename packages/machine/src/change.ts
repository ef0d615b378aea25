import {
	badInput,
	type Context,
	type Counts,
	countsOf,
	type Transaction,
} from "@sluice/cli-kit";
import type { JsonText } from "@sluice/document";
import {
	type Applied,
	configTable,
	type Endpoint,
	protocols,
	type Sid,
} from "@sluice/maps/tables";
import {
	conflicts,
	deleteService,
	endpointName,
	keylessOfTunnel,
	keylessService,
	localEndpoint,
	openServiceTables,
	openTunnelTables,
	type Service,
	sameEndpoint,
	setService,
	setTunnel,
	type TunnelSpec,
} from "@sluice/tunnel";
import {
	lastApplied,
	openApplied,
	recordApplied,
	versionOf,
} from "./applied.js";
import { isAsApplied } from "./drift.js";
import { checkDeletes } from "./guards.js";
import { keepText } from "./last-text.js";
import {
	type ConfigRow,
	interfaceIndex,
	type Machine,
	type TunnelRow,
} from "./machine.js";
import { ALL } from "./only.js";
import type { Options } from "./options.js";
import { digestAfter } from "./rows-digest.js";

/** Rows that differ from those that were applied last. */
export interface Change {
	/** Added or changed, with the name and the generation of the machine. */
	set: Omit<Machine, "tunnels" | "services"> & {
		tunnels: Some<TunnelRow>;
		services: Some<Service>;
	};
	deleted: {
		config: Pick<ConfigRow, "interface" | "direction">[];
		services: Sid[];
	};
	/** Of the rows that are set, those that the last document had not. */
	added?: { tunnels: number[]; services: Sid[] };
}

type Some<T> = Iterable<T> & { readonly length: number };

/** Rows from which on tables are read as a whole: that is quicker then. */
const MANY = 500;

/** How a change is applied. */
interface ChangeOptions
	extends Pick<Options, "mostDeletes" | "allowOlder">,
		Partial<Pick<Options, "forceOwner">> {
	/** SHA-256 of what has all rows, as they are with the change. */
	file: Buffer;
	/** Digest of the content of all rows. */
	document(last: Applied): Buffer;
	/** Rows that there are without the change, of which a share may be deleted. */
	present: number;
	/** The document, in JSON. Where it is given, no row may be other than it was applied last. */
	json?: JsonText;
}

/**
 * As `performDocument`, where the rows that differ are known: only those are read from the kernel and written. Tunnels
 * are not deleted by it, since every service would have to be looked at.
 *
 * @returns undefined where it cannot be done so: nothing was applied yet, or only a part of the tables was; rows were
 * changed since; a row is added that is there, or one that conflicts with a present one, or one that needs a warning
 * @throws Failure usage: the rows do not belong together, or are refused; nothing was changed
 */
export function performChange(
	change: Change,
	options: ChangeOptions,
	context: Context,
): Changed | undefined {
	const { set } = change;
	const { file, json } = options;
	const record = openApplied(context);
	const act = (transaction: Transaction): Changed | undefined => {
		const last = lastApplied(record);
		if (last?.only !== "") return undefined;
		if (json !== undefined && !isAsApplied(context, last)) return undefined;
		const digest = () => options.document(last);
		const version = versionOf({ ...set, digest }, ALL, last, options);
		const { config, services } = change.deleted;
		checkDeletes(
			{ deleted: config.length + services.length, present: options.present },
			options.mostDeletes,
		);
		if (!stageChange(change, transaction, context)) return undefined;
		if (json !== undefined && isCutOff(set, transaction)) return undefined;
		const changes = transaction.tables.flatMap((table) => {
			const one = table.change();
			return one ? [one] : [];
		});
		const counts = countsOf(transaction.tables);
		transaction.commit();
		const { state, rows } = digestAfter(context, last, changes, last.salt);
		recordApplied(record, {
			...last,
			generation: version.generation,
			time: BigInt(Math.floor(Date.now() / 1000)),
			file,
			document: version.document,
			state,
			rows,
			owner: set.name,
		});
		keepText(context, file, json);
		return { ...counts, generation: version.generation };
	};
	const rows = set.tunnels.length + set.services.length;
	try {
		return context.transact(act, { whole: rows > MANY });
	} finally {
		record.close();
	}
}

/** Whether a token mode cuts services off: the comparison of all rows warns of them. */
const isCutOff = ({ tunnels, services }: Change["set"], staged: Transaction) =>
	[...tunnels].some(({ id, options }) =>
		keylessOfTunnel(staged, id, options),
	) || [...services].some((service) => keylessService(staged, service));

/** What was done. */
interface Changed extends Counts {
	generation: bigint;
}

/** @returns false where all rows must be compared */
function stageChange(
	{ set, deleted, added }: Change,
	transaction: Transaction,
	context: Context,
): boolean {
	const tunnels = openTunnelTables(transaction);
	const services = openServiceTables(transaction);
	const config = transaction.openTable(configTable);
	const isThere =
		added?.tunnels.some((id) => tunnels.tunnels.get(id)) ||
		added?.services.some((sid) => services.verify.get(sid));
	if (isThere) return false;
	for (const row of set.tunnels) setTunnel(tunnels, row.id, row);
	for (const sid of deleted.services) deleteService(services, sid);
	// Out of the way first, so that services may exchange their endpoints.
	for (const { sid } of set.services) removeEndpoints(services, sid);
	for (const service of set.services) {
		for (const { endpoint, holder } of conflicts(services, service))
			throw badInput(
				`service ${nameOf(service.sid)}: ${endpointName(endpoint)} belongs to service ${nameOf(holder)}`,
			);
		if (!tunnels.tunnels.get(service.tunnel))
			throw badInput(
				`service ${nameOf(service.sid)}: there is no tunnel ${service.tunnel}`,
			);
		setService(services, service);
		if (!service.other) services.rotation.delete(service.sid);
	}
	for (const row of deleted.config)
		config.delete({
			ifindex: interfaceIndex(row, context),
			direction: row.direction,
		});
	for (const row of set.config)
		config.set(
			{ ifindex: interfaceIndex(row, context), direction: row.direction },
			row.config,
		);
	return !isTunnelEnd(set, tunnels, services);
}

/** Whether an endpoint of a UDP service may be the end of a tunnel, which only the whole document can say. */
function isTunnelEnd(
	{ tunnels, services }: Change["set"],
	{ tunnels: all, decap }: ReturnType<typeof openTunnelTables>,
	{ nat }: ReturnType<typeof openServiceTables>,
): boolean {
	const ofTunnels = [...tunnels].some(
		(row) => nat.get(localEndpoint(row)) ?? nat.get(remoteEndpoint(row)),
	);
	const ofServices = [...services].some(({ proxy, backend, tunnel }) => {
		if (proxy.proto !== protocols.udp) return false;
		const one = all.get(tunnel);
		return [proxy, backend].some(
			(end) =>
				decap.get(end) ?? (one && sameEndpoint(remoteEndpoint(one), end)),
		);
	});
	return ofTunnels || ofServices;
}

const remoteEndpoint = ({
	remote,
	remotePort,
}: Pick<TunnelSpec, "remote" | "remotePort">): Endpoint => ({
	address: remote,
	port: remotePort,
	proto: protocols.udp,
});

const nameOf = ({ service, group }: Sid) => `${service} ${group}`;

/** Takes a service's endpoints away; the service itself stays, and so do its counters. */
function removeEndpoints(
	tables: ReturnType<typeof openServiceTables>,
	sid: Sid,
): void {
	const old = tables.verify.get(sid);
	if (!old) return;
	const { proxy, backend }: Pick<Service, "proxy" | "backend"> = old;
	tables.nat.delete(proxy);
	tables.nat.delete(backend);
	tables.encap.delete(backend);
}
