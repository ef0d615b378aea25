import { badInput, type Context, type Transaction } from "@sluice/cli-kit";
import { configTable, type Sid } from "@sluice/maps/tables";
import {
	conflicts,
	deleteService,
	endpointName,
	openServiceTables,
	openTunnelTables,
	type Service,
	setService,
	setTunnel,
} from "@sluice/tunnel";
import {
	lastApplied,
	openApplied,
	recordApplied,
	versionOf,
} from "./applied.js";
import { contentDigest } from "./digest.js";
import { checkDeletes } from "./guards.js";
import { type ConfigRow, interfaceIndex, type Machine } from "./machine.js";
import { ALL } from "./only.js";
import type { Options } from "./perform.js";
import { stateAfter } from "./rows-digest.js";
import { type Counts, countsOf } from "./stage.js";

/** Rows that differ from those that were applied last. */
export interface Change {
	/** Added or changed, with the name and the generation of the machine. */
	set: Machine;
	deleted: {
		config: Pick<ConfigRow, "interface" | "queue">[];
		services: Sid[];
	};
}

/** How a change is applied. */
interface ChangeOptions extends Pick<Options, "mostDeletes" | "allowOlder"> {
	/** A digest of all rows, as they are with the change. */
	content: Buffer;
	/** Rows that there are without the change, of which a share may be deleted. */
	present: number;
}

/**
 * As `performDocument`, where the rows that differ are known: only those are read from the kernel and written. Tunnels
 * are not deleted by it, since every service would have to be looked at.
 *
 * @returns undefined where it cannot be done so: nothing was applied yet, or only a part of the tables was
 * @throws Failure usage: the rows do not belong together, or are refused; nothing was changed
 */
export function performChange(
	change: Change,
	options: ChangeOptions,
	context: Context,
): Counts | undefined {
	const { set } = change;
	const record = openApplied(context);
	const digest = (salt: Buffer) => contentDigest(options.content, salt);
	const act = (transaction: Transaction): Counts | undefined => {
		const last = lastApplied(record);
		if (last?.only !== "") return undefined;
		const version = versionOf({ ...set, digest }, ALL, last, options);
		const { config, services } = change.deleted;
		checkDeletes(
			{ deleted: config.length + services.length, present: options.present },
			options.mostDeletes,
		);
		stageChange(change, transaction, context);
		const changes = transaction.tables.flatMap((table) => {
			const one = table.change();
			return one ? [one] : [];
		});
		const counts = countsOf(transaction.tables);
		transaction.commit();
		recordApplied(record, {
			...last,
			generation: version.generation,
			time: BigInt(Math.floor(Date.now() / 1000)),
			file: options.content,
			document: version.document,
			state: stateAfter(last.state, changes, last.salt),
			// Remotes may have moved since: not known.
			rows: Buffer.alloc(last.rows.length),
		});
		return counts;
	};
	return context.transact(act);
}

function stageChange(
	{ set, deleted }: Change,
	transaction: Transaction,
	context: Context,
): void {
	const tunnels = openTunnelTables(transaction);
	const services = openServiceTables(transaction);
	const config = transaction.openTable(configTable);
	for (const { id, spec } of set.tunnels) setTunnel(tunnels, id, spec);
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
		config.delete({ ifindex: interfaceIndex(row, context), queue: row.queue });
	for (const row of set.config)
		config.set(
			{ ifindex: interfaceIndex(row, context), queue: row.queue },
			row.config,
		);
}

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
