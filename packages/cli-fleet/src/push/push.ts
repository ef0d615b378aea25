import { userInfo } from "node:os";
import { badInput, Failure } from "@sluice/cli-kit";
import { checkDeletes, type MostDeletes, refused } from "@sluice/machine";
import type { RequestOp } from "../../generated/rpc_pb.js";
import {
	deleteOf,
	type Etcd,
	MOST_OPERATIONS,
	putOf,
	unchangedSince,
} from "../etcd/etcd.js";
import { type Commit, readCommit } from "../rows/commit.js";
import { RowsDigest } from "../rows/digest.js";
import { COMMIT, type Paths } from "../rows/paths.js";
import { linkOf, type Rows, wholeMachine } from "../rows/rows.js";
import { historyOperations, writeHistory } from "./history.js";
import { statusesOf } from "./wait.js";

/** Transactions of a push that are under way together. */
const AT_ONCE = 8;

/** How a push is guarded. */
export interface PushOptions {
	/** Of the document; by default, the next one. */
	generation?: number | undefined;
	dryRun?: boolean;
	mostDeletes?: MostDeletes | undefined;
	allowEmpty?: boolean;
	/** After a restore of the store: agents accept it, although they have applied newer generations. */
	reset?: boolean;
}

/** A machine's rows as the store has them. */
export interface Current {
	rows: Rows;
	commit: Commit | undefined;
	/** Of the commit marker; 0: there is none. */
	revision: bigint;
}

/** What a push changed, or would change, of one machine. */
export interface Pushed {
	machine: string;
	generation: number;
	/** Whether something was written. */
	changed: boolean;
	added: string[];
	updated: string[];
	deleted: string[];
	/** Of the rows that are added, updated and deleted. */
	differences: RowDifference[];
}

/** A row that is, or would be, other than it was. */
export interface RowDifference {
	row: string;
	/** As it is in the store; of keys, `hidden`; null: added. */
	before: unknown;
	/** Null: deleted. */
	after: unknown;
}

export async function currentOf(
	etcd: Etcd,
	paths: Paths,
	machine: string,
): Promise<Current> {
	const { rows, revision } = await etcd.list(paths.machine(machine));
	const marker = await etcd.get(paths.commit(machine), revision);
	rows.delete(COMMIT);
	return {
		rows,
		commit: readCommit(marker?.value),
		revision: marker?.revision ?? 0n,
	};
}

/**
 * The rows of a machine once its document is pushed: those of links stay.
 * @throws Failure usage: a row is a link's
 */
export function rowsWithDocument(
	{ rows: current }: Current,
	document: Rows,
	machine: string,
): Rows {
	const rows: Rows = new Map(document);
	for (const [key, value] of current) {
		const link = linkOf(value);
		if (link === undefined) continue;
		if (rows.has(key))
			throw badInput(`${machine}: ${key} belongs to link "${link}"`);
		rows.set(key, value);
	}
	return rows;
}

/**
 * Writes a machine's rows in the store, and commits them.
 * @param wanted all rows
 * @throws Failure usage: the rows are wrong or refused, nothing was written; failed: CONFLICT another push at the same time
 */
export async function push(
	etcd: Etcd,
	paths: Paths,
	machine: string,
	current: Current,
	wanted: Rows,
	options: PushOptions = {},
): Promise<Pushed> {
	const { generation } = options;
	wholeMachine(machine, undefined, wanted);
	const pushed = differenceOf(machine, current, wanted);
	const { added, updated, deleted } = pushed;
	if (wanted.size === 0 && !options.allowEmpty)
		throw refused(
			"EMPTY",
			`${machine}: there is no row, so everything would be deleted`,
			"if this is meant, use --allow-empty",
		);
	const gone = deleted.filter(isNoKey).length;
	const present = [...current.rows.keys()].filter(isNoKey).length;
	checkDeletes({ deleted: gone, present }, options.mostDeletes);
	const isSame = added.length + updated.length + deleted.length === 0;
	const before = current.commit?.generation ?? 0;
	// A machine may have been applied by hand, or from a store that was lost.
	const agent = (await statusesOf(etcd, paths, [machine])).get(machine);
	// The same again is a new generation where the agent has refused it.
	const isMeant =
		options.mostDeletes !== undefined || options.reset || agent?.refused;
	if (isSame && current.commit && !isMeant && (generation ?? 0) <= before)
		return { ...pushed, generation: before, changed: false };
	pushed.generation =
		generation === undefined
			? Math.max(before, agent?.applied ?? 0) + 1
			: checkedGeneration(machine, generation, before);
	if (options.dryRun) return pushed;
	const commit: Commit = {
		generation: pushed.generation,
		rows: wanted.size,
		sha256: RowsDigest.of(wanted).hex(),
		deletes: Math.max(
			gone,
			options.mostDeletes && "rows" in options.mostDeletes
				? options.mostDeletes.rows
				: 0,
		),
		...(wanted.size === 0 ? { empty: true } : {}),
		...(options.reset ? { reset: true } : {}),
		...(current.commit || agent ? {} : { first: true }),
		by: userName(),
		at: new Date().toISOString(),
	};
	await write(etcd, paths, machine, current, wanted, pushed, commit);
	// Afterwards: a push that another one has overtaken must not write over its history.
	await writeHistory(etcd, paths, machine, commit.generation, wanted);
	return pushed;
}

/** Who pushes; in a container, a user may have no name. */
function userName(): string {
	try {
		return userInfo().username;
	} catch {
		return `uid ${process.getuid?.()}`;
	}
}

/** The key of a service is deleted with it, and counted with it. */
const isNoKey = (key: string) => !key.startsWith("keys/");

function checkedGeneration(
	machine: string,
	generation: number,
	before: number,
): number {
	if (generation > before) return generation;
	throw refused(
		generation === before ? "CONFLICT" : "STALE",
		`${machine}: generation ${generation} is not newer than ${before}, which was pushed`,
		"give the document a higher generation, or none",
	);
}

function differenceOf(
	machine: string,
	{ rows: current }: Current,
	wanted: Rows,
): Pushed {
	const added: string[] = [];
	const updated: string[] = [];
	for (const [key, value] of wanted) {
		const before = current.get(key);
		if (before === undefined) added.push(key);
		else if (before !== value) updated.push(key);
	}
	const deleted = [...current.keys()].filter((key) => !wanted.has(key));
	const shown = (key: string, value: string | undefined) =>
		value === undefined ? null : isNoKey(key) ? JSON.parse(value) : "hidden";
	const differences = [...added, ...updated, ...deleted].map((row) => ({
		row,
		before: shown(row, current.get(row)),
		after: shown(row, wanted.get(row)),
	}));
	return {
		machine,
		generation: 0,
		changed: true,
		added,
		updated,
		deleted,
		differences,
	};
}

/** In transactions as large as the server takes; the last one has the commit marker. */
async function write(
	etcd: Etcd,
	paths: Paths,
	machine: string,
	{ revision }: Current,
	wanted: Rows,
	{ added, updated, deleted }: Pushed,
	commit: Commit,
): Promise<void> {
	const prefix = paths.machine(machine);
	const operations = [
		...[...added, ...updated].map((key) =>
			putOf(prefix + key, wanted.get(key) as string),
		),
		...deleted.map((key) => deleteOf(prefix + key)),
	];
	const last = [
		putOf(paths.names + machine, ""),
		...historyOperations(paths, machine, commit.generation),
		putOf(paths.commit(machine), JSON.stringify(commit)),
	];
	const isAlone = unchangedSince(paths.commit(machine), revision);
	const room = MOST_OPERATIONS - last.length;
	const parts: RequestOp[][] = [];
	while (operations.length > room)
		parts.push(operations.splice(0, MOST_OPERATIONS));
	// In any order: agents wait for the commit.
	while (parts.length > 0) {
		const written = await Promise.all(
			parts.splice(0, AT_ONCE).map((part) => etcd.transact([isAlone], part)),
		);
		if (written.includes(false)) throw overtaken(machine);
	}
	if (await etcd.transact([isAlone], [...operations, ...last])) return;
	// The answer to the first try may have been lost.
	const now = await etcd.get(paths.commit(machine));
	if (now?.value !== JSON.stringify(commit)) throw overtaken(machine);
}

const overtaken = (machine: string) =>
	new Failure("failed", `${machine}: another push came between`, {
		code: "CONFLICT",
		hint: "look at cli_fleet get, and push again",
	});
