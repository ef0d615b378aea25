import type { Context } from "@sluice/cli-kit";
import type { Difference, StagedTable } from "@sluice/maps";
import { endpointText } from "@sluice/maps/address";
import {
	type Config,
	type ConfigKey,
	configTable,
	flagWords,
	type Rotation,
	rotationTable,
	type Signing,
	signingFlags,
	signingTable,
	type Tunnel,
	type TunnelOptions,
	tunnelOptionsTable,
	tunnelTable,
	type Verify,
	verifyTable,
} from "@sluice/maps/tables";
import {
	anyMove,
	endpointName,
	rankOfConfig,
	rankOfSid,
	UNKNOWN,
} from "@sluice/tunnel";
import { LEARNED } from "./document/words.js";
import { optionFields } from "./document/write.js";
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
		...tunnelRows(stage),
		...serviceRows(stage),
		...configRows(stage, context),
	];
	const isDelete = ({ change }: DifferenceRow) => change === "delete";
	return [...rows.filter((row) => !isDelete(row)), ...rows.filter(isDelete)];
}

/** Tunnels whose row or options differ. */
function tunnelRows(stage: Stage): DifferenceRow[] {
	const tunnels = new Changes(stage.openTable(tunnelTable), (id) => id);
	const options = new Changes(stage.openTable(tunnelOptionsTable), (id) => id);
	return tunnels.with(options).flatMap((id) => {
		const { before, after } = tunnels.at(id);
		const move = options.at(id);
		return rowOf(
			"tunnel",
			String(id),
			before && tunnelText(before, move.before),
			after && tunnelText(after, move.after),
		);
	});
}

/** Services whose row or other keys differ. */
function serviceRows(stage: Stage): DifferenceRow[] {
	const services = new Changes(stage.openTable(verifyTable), rankOfSid);
	const rotations = new Changes(stage.openTable(rotationTable), rankOfSid);
	const signings = new Changes(stage.openTable(signingTable), rankOfSid);
	return services.with(rotations, signings).flatMap((sid) => {
		const { before, after } = services.at(sid);
		const keys =
			before && after
				? [
						before.key.equals(after.key) ? "" : ", another key",
						rotationText(rotations.at(sid)),
						signingText(signings.at(sid)),
					].join("")
				: "";
		return rowOf(
			"service",
			`${sid.service} ${sid.group}`,
			before && serviceText(before),
			after && `${serviceText(after)}${keys}`,
		);
	});
}

function configRows(stage: Stage, context: Context): DifferenceRow[] {
	const config = new Changes(stage.openTable(configTable), rankOfConfig);
	return config.with().flatMap((key) => {
		const { before, after } = config.at(key);
		return rowOf(
			"config",
			configName(key, context),
			before && configText(key, before),
			after && configText(key, after),
		);
	});
}

/** The old and the new value of a key. */
interface Pair<V> {
	before: V | undefined;
	after: V | undefined;
}

/** The rows of a table before and after: those that differ, and those that stay. */
class Changes<K, V> {
	readonly #table: StagedTable<K, V>;
	readonly #rank: (key: K) => number;
	readonly #differences: ReadonlyMap<number, Difference<K, V>>;

	constructor(table: StagedTable<K, V>, rank: (key: K) => number) {
		this.#table = table;
		this.#rank = rank;
		this.#differences = new Map(
			[...table.differences()].map((one) => [rank(one.key), one]),
		);
	}

	/** Keys whose rows differ in this table, or in one of the others that have the same keys. */
	with(...others: readonly Pick<Changes<K, unknown>, "keys">[]): K[] {
		const all = [this, ...others].flatMap((one) => one.keys());
		const keys = new Map(all.map((key) => [this.#rank(key), key]));
		return [...keys].sort(([a], [b]) => a - b).map(([, key]) => key);
	}

	keys(): K[] {
		return [...this.#differences.values()].map(({ key }) => key);
	}

	at(key: K): Pair<V> {
		const known = this.#differences.get(this.#rank(key));
		if (known) return known;
		const row = this.#table.get(key);
		return { before: row, after: row };
	}
}

/** None where there is nothing under the key: keys without a service are no row of the document. */
function rowOf(
	kind: DifferenceRow["kind"],
	id: string,
	before: string | undefined,
	after: string | undefined,
): DifferenceRow[] {
	if (before === undefined && after === undefined) return [];
	const change =
		before === undefined ? "add" : after === undefined ? "delete" : "change";
	return [{ change, kind, id, before: before ?? null, after: after ?? null }];
}

function tunnelText(tunnel: Tunnel, options: TunnelOptions = anyMove): string {
	const { local, localPort, remote, remotePort } = tunnel;
	return [
		`${endpointText(local, localPort)} -> ${remote.equals(UNKNOWN) ? LEARNED : endpointText(remote, remotePort)}`,
		...Object.entries(optionFields(options)).map((field) => field.join(" ")),
	].join(", ");
}

/** What differs in the key that is accepted beside the service's own. */
const rotationText = ({ before, after }: Pair<Rotation>) =>
	before === after ? "" : after ? ", another second key" : ", no second key";

function signingText({ before, after }: Pair<Signing>): string {
	if (before === after) return "";
	if (!after) return ", no signing key";
	const key = before?.key.equals(after.key) ? "" : ", another signing key";
	const isRequired = (row: Signing | undefined) =>
		((row?.flags ?? 0) & signingFlags.required) !== 0;
	if (isRequired(before) === isRequired(after)) return key;
	return `${key}, signed pings ${isRequired(after) ? "" : "not "}required`;
}

const serviceText = ({ proxy, backend, tunnel }: Verify) =>
	`${endpointName(proxy)} -> ${endpointText(backend.address, backend.port)} in tunnel ${tunnel}`;

const configText = ({ direction }: ConfigKey, { id, flags, name }: Config) =>
	`${id} ${flagWords(direction, flags).join(",") || "-"} ${name}`;

const configName = ({ ifindex, direction }: ConfigKey, { kernel }: Context) =>
	`${ifindex === 0 ? EVERY : (kernel.interfaceName(ifindex) ?? `if${ifindex}`)} ${direction}`;

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
