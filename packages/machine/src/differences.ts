import type { Context } from "@sluice/cli-kit";
import type { Difference } from "@sluice/maps";
import { endpointText } from "@sluice/maps/address";
import {
	type Config,
	type ConfigKey,
	configTable,
	directions,
	flagWords,
	rotationTable,
	type Sid,
	type Tunnel,
	tunnelTable,
	type Verify,
	verifyTable,
} from "@sluice/maps/tables";
import { endpointName, rankOfConfig, rankOfSid, UNKNOWN } from "@sluice/tunnel";
import { LEARNED } from "./document/words.js";
import { EVERY } from "./machine.js";
import type { Stage } from "./stage.js";

/** One row that is, or would be, other than it was. No key is in it. */
export interface DifferenceRow {
	change: "add" | "change" | "delete";
	kind: "tunnel" | "service" | "config";
	/** What it is known by: "100", "1 2", "eth0 ingress". */
	id: string;
	before: string | null;
	after: string | null;
}

/** Adds and changes, then deletes, each in the order of the document: tunnels, services, config. */
export function differencesOf(stage: Stage, context: Context): DifferenceRow[] {
	const rows = [
		...rowsOf(
			"tunnel",
			stage.openTable(tunnelTable).differences(),
			(id) => id,
			String,
			tunnelText,
		),
		...rowsOf(
			"service",
			stage.openTable(verifyTable).differences(),
			rankOfSid,
			({ service, group }: Sid) => `${service} ${group}`,
			serviceText,
		),
		...rotations(stage),
		...rowsOf(
			"config",
			stage.openTable(configTable).differences(),
			rankOfConfig,
			(key) => configName(key, context),
			configText,
		),
	];
	const isDelete = ({ change }: DifferenceRow) => change === "delete";
	return [...rows.filter((row) => !isDelete(row)), ...rows.filter(isDelete)];
}

/** Services whose keys stay in their place while the other one, which is accepted, too, comes, goes or changes. */
function rotations(stage: Stage): DifferenceRow[] {
	const verify = stage.openTable(verifyTable);
	const changed = new Set(
		[...verify.differences()].map(({ key }) => rankOfSid(key)),
	);
	return [...stage.openTable(rotationTable).differences()]
		.filter(({ key }) => !changed.has(rankOfSid(key)))
		.sort((a, b) => rankOfSid(a.key) - rankOfSid(b.key))
		.flatMap(({ key, after }): DifferenceRow[] => {
			const service = verify.get(key);
			if (!service) return [];
			const text = serviceText(key, service);
			return [
				{
					change: "change",
					kind: "service",
					id: `${key.service} ${key.group}`,
					before: text,
					after: `${text}, ${after ? "another second key" : "no second key"}`,
				},
			];
		});
}

function rowsOf<K, V>(
	kind: DifferenceRow["kind"],
	differences: Iterable<Difference<K, V>>,
	rank: (key: K) => number,
	name: (key: K) => string,
	text: (key: K, value: V) => string,
): DifferenceRow[] {
	return [...differences]
		.sort((a, b) => rank(a.key) - rank(b.key))
		.map(({ key, before, after }) => {
			const was = before === undefined ? null : text(key, before);
			const is = after === undefined ? null : text(key, after);
			return {
				change: was === null ? "add" : is === null ? "delete" : "change",
				kind,
				id: name(key),
				before: was,
				// All that is shown is the same: it is the key that differs.
				after: is !== null && is === was ? `${is}, another key` : is,
			};
		});
}

const tunnelText = (_: number, tunnel: Tunnel) =>
	`${endpointText(tunnel.local, tunnel.localPort)} -> ${tunnel.remote === UNKNOWN ? LEARNED : endpointText(tunnel.remote, tunnel.remotePort)}`;

const serviceText = (_: Sid, { proxy, backend, tunnel }: Verify) =>
	`${endpointName(proxy)} -> ${endpointText(backend.address, backend.port)} in tunnel ${tunnel}`;

const configText = ({ queue }: ConfigKey, { id, flags, name }: Config) =>
	`${id} ${flagWords(queue, flags).join(",") || "-"} ${name}`;

const configName = ({ ifindex, queue }: ConfigKey, { kernel }: Context) =>
	`${ifindex === 0 ? EVERY : (kernel.interfaceName(ifindex) ?? `if${ifindex}`)} ${directions[queue]}`;

const marks = { add: "+", change: "~", delete: "-" } as const;

/** "+ tunnel 100 203.0.113.2:6080 -> learned" */
export const differenceText = ({
	change,
	kind,
	id,
	before,
	after,
}: DifferenceRow) =>
	`${marks[change]} ${kind} ${id} ${change === "change" ? `${after} (was ${before})` : (after ?? before)}`;
