import type { Context } from "@sluice/cli-kit";
import { Mistakes, pathText } from "@sluice/document";
import {
	configTable,
	type Sid,
	tunnelTable,
	verifyTable,
} from "@sluice/maps/tables";
import {
	conflicts,
	countAgain,
	countSigningAgain,
	deleteTunnel,
	endpointName,
	openServiceTables,
	openTunnelTables,
	rankOfSid,
	removeTraffic,
	type ServiceTables,
	setRotation,
	setService,
	setTunnel,
} from "@sluice/tunnel";
import type { ReadMachine } from "./document/read.js";
import { interfaceIndex, type Machine } from "./machine.js";
import { checkOwned, type Only, ownsService, ownsTunnel } from "./only.js";
import { rowsOfServices, type Stage } from "./stage.js";

/**
 * Makes the staged tables what a document says, as far as it owns them. Learned remotes and counters stay. Call it under
 * the writers' lock.
 *
 * @throws Failure usage: rows that do not belong together, with their positions; missing: no such interface
 */
export function plan(
	stage: Stage,
	document: ReadMachine,
	only: Only,
	context: Context,
): void {
	const { machine } = document;
	checkOwned(machine, only);
	const ids = new Set(machine.tunnels.column("id"));
	checkTunnels(stage, document, only, ids);
	planTunnels(stage, machine, only, ids);
	planServices(stage, document, only);
	planConfig(stage, machine, only, context);
}

function planTunnels(
	stage: Stage,
	{ tunnels }: Machine,
	only: Only,
	ids: ReadonlySet<number>,
): void {
	const tables = openTunnelTables(stage);
	const { decap: _, ...uncounted } = tables;
	for (const row of tunnels) setTunnel(uncounted, row.id, row);
	const staged = stage.openTable(tunnelTable);
	// Those that are new are all of the document.
	for (const id of staged.inKernel === 0 ? [] : staged.keys())
		if (!ids.has(id) && ownsTunnel(only, id)) deleteTunnel(tables, id);
	countAgain(tables);
}

/** Services are set where none of the document's are, so that they may exchange their endpoints. */
function planServices(
	stage: Stage,
	{ machine: { services }, file, positionAt }: ReadMachine,
	only: Only,
): void {
	const tables = openServiceTables(stage);
	const tunnelsBefore = new Map<number, number>();
	tables.verify.forEach((sid, { tunnel }) => {
		if (ownsService(only, sid.service))
			tunnelsBefore.set(rankOfSid(sid), tunnel);
	});
	planRotations(tables, services, only);
	const ownsAll = only.text === "";
	if (ownsAll)
		for (const table of rowsOfServices)
			stage.openTable<unknown, unknown>(table as never).clear();
	else {
		for (const [sid, { proxy, backend }] of [...tables.verify.entries()]) {
			if (!ownsService(only, sid.service)) continue;
			tables.nat.delete(proxy);
			tables.nat.delete(backend);
			tables.encap.delete(backend);
			tables.verify.delete(sid);
		}
	}
	const mistakes = new Mistakes(file, true);
	let i = 0;
	for (const service of services) {
		// Within the document there are none.
		for (const { role, endpoint, holder } of ownsAll
			? []
			: conflicts(tables, service))
			mistakes.add(
				["services", i, role],
				`${pathText(["services", i, role])}: ${endpointName(endpoint)} belongs to service ${holder.service} ${holder.group}, which the document does not own`,
			);
		if (mistakes.count === 0) setService(tables, service);
		i++;
	}
	mistakes.throwIfAny(positionAt);
	countSigningAgain(tables);
	// Counters stay with a service that stays in its tunnel.
	if (tunnelsBefore.size > 0)
		for (const { sid, tunnel } of services)
			if (tunnelsBefore.get(rankOfSid(sid)) === tunnel)
				tunnelsBefore.delete(rankOfSid(sid));
	for (const [rank, tunnel] of tunnelsBefore)
		removeTraffic(tables, { sid: sidOfRank(rank), tunnel });
}

/** Compared with the present services: a key that becomes the second one is the old one. */
function planRotations(
	tables: ServiceTables,
	services: Machine["services"],
	only: Only,
): void {
	const rotated = new Set<number>();
	for (const service of services.withRest()) {
		if (!service.other) continue;
		rotated.add(rankOfSid(service.sid));
		setRotation(tables, service, tables.verify.get(service.sid));
	}
	for (const [sid] of [...tables.rotation.entries()])
		if (ownsService(only, sid.service) && !rotated.has(rankOfSid(sid)))
			tables.rotation.delete(sid);
}

/** The service that `rankOfSid` gives a number. */
const sidOfRank = (rank: number): Sid => ({
	service: Math.floor(rank / 65_536),
	group: rank % 65_536,
});

function planConfig(
	stage: Stage,
	{ config }: Machine,
	only: Only,
	context: Context,
): void {
	if (!only.config) return;
	const table = stage.openTable(configTable);
	table.clear();
	for (const row of config)
		table.set(
			{ ifindex: interfaceIndex(row, context), direction: row.direction },
			row.config,
		);
}

/** Every service's tunnel is there, also of those that the document does not own. */
function checkTunnels(
	stage: Stage,
	{ machine, file, positionAt }: ReadMachine,
	only: Only,
	known: ReadonlySet<number>,
): void {
	const { tunnels } = openTunnelTables(stage);
	const has = (id: number) =>
		known.has(id) || (!ownsTunnel(only, id) && tunnels.get(id) !== undefined);
	const mistakes = new Mistakes(file, true);
	let i = 0;
	for (const tunnel of machine.services.column("tunnel")) {
		if (!has(tunnel))
			mistakes.add(
				["services", i, "tunnel"],
				`${pathText(["services", i, "tunnel"])}: there is no tunnel ${tunnel}`,
			);
		i++;
	}
	if (only.text !== "")
		for (const [{ service, group }, { tunnel }] of stage
			.openTable(verifyTable)
			.entries())
			if (
				!ownsService(only, service) &&
				ownsTunnel(only, tunnel) &&
				!known.has(tunnel)
			)
				mistakes.add(
					["tunnels"],
					`tunnels: tunnel ${tunnel} is used by service ${service} ${group}, which the document does not own`,
				);
	mistakes.throwIfAny(positionAt);
}
