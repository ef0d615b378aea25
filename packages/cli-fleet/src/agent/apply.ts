import type { Context } from "@sluice/cli-kit";
import { Mistakes } from "@sluice/document";
import {
	ALL,
	type Change,
	configRow,
	contentDigest,
	isUnchanged,
	lastApplied,
	type MostDeletes,
	openApplied,
	performChange,
	performDocument,
	Reader,
} from "@sluice/machine";
import type { Commit } from "../rows/commit.js";
import { machineOf, type Rows, sidOf, wholeMachine } from "../rows/rows.js";
import type { Counts as RowCounts } from "./status.js";

/** As cli_apply has it: fewer deletes need no permission. */
const FREE_DELETES = 20;

/** What the kernel is to have. */
export interface Wanted {
	machine: string;
	/** All rows, how many of each kind, and their commit. */
	rows: Rows;
	counts: RowCounts;
	commit: Commit;
	/** Keys of rows that differ from the applied ones; undefined: unknown. */
	changed: ReadonlySet<string> | undefined;
	/** Whether a generation that is older than the kernel's is taken. */
	allowOlder: boolean;
}

/**
 * Makes the kernel's tables equal to the rows.
 * @throws Failure the rows are refused, and nothing was changed; BpfError the kernel refused
 */
export function apply(wanted: Wanted, context: Context): void {
	const { machine, rows, counts, commit, changed, allowOlder } = wanted;
	const content = Buffer.from(commit.sha256, "hex");
	const mostDeletes: MostDeletes | undefined =
		commit.deletes > FREE_DELETES ? { rows: commit.deletes } : undefined;
	if (!changed && isApplied(machine, commit, content, context)) return;
	const change = changed && changeOf(machine, rows, changed, commit);
	const done =
		change &&
		performChange(
			change,
			{
				file: content,
				document: ({ salt }) => contentDigest(content, salt),
				mostDeletes,
				allowOlder,
				present: presentBefore(counts, change),
			},
			context,
		);
	if (done) return;
	performDocument(
		{
			machine: wholeMachine(machine, commit.generation, rows),
			file: "",
			positionAt: () => ({ line: 1, column: 1 }),
		},
		content,
		{
			dryRun: false,
			guarded: true,
			generation: undefined,
			mostDeletes,
			allowEmpty: commit.empty === true,
			forceOwner: false,
			only: ALL,
			content,
			allowOlder,
		},
		context,
	);
}

/** Whether the kernel has these rows already, and no other program has changed one. */
function isApplied(
	machine: string,
	{ generation }: Commit,
	content: Buffer,
	context: Context,
): boolean {
	const record = openApplied(context, { readOnly: true });
	const last = lastApplied(record);
	record.close();
	return (
		last?.owner === machine &&
		isUnchanged(last, content, BigInt(generation), context)
	);
}

/** Rows of the document's kinds before the change, about: including those that were added. */
const presentBefore = (
	{ config, tunnels, services }: RowCounts,
	{ deleted }: Change,
): number =>
	config + tunnels + services + deleted.config.length + deleted.services.length;

/** @returns undefined where all rows have to be looked at */
function changeOf(
	machine: string,
	rows: Rows,
	changed: ReadonlySet<string>,
	commit: Commit,
): Change | undefined {
	if (rows.size === 0) return undefined;
	const set = new Map<string, string>();
	const deleted: Change["deleted"] = { config: [], services: [] };
	// A service and its key are one.
	const keys = new Set(
		[...changed].map((key) => key.replace(/^keys\//, "services/")),
	);
	for (const key of keys) {
		const value = rows.get(key);
		if (value !== undefined) set.set(key, value);
		else if (key.startsWith("services/"))
			deleted.services.push(sidOf(key.slice("services/".length)));
		else if (key.startsWith("config/")) deleted.config.push(hookOf(key));
		// Whether a service uses it only all of them can say.
		else return undefined;
	}
	return {
		set: machineOf(machine, commit.generation, set, (sid) =>
			rows.get(`keys/${sid}`),
		),
		deleted,
	};
}

/** Interface and direction of "config/eth0.ingress". */
function hookOf(key: string): Change["deleted"]["config"][number] {
	const id = key.slice("config/".length);
	const dot = id.lastIndexOf(".");
	const mistakes = new Mistakes("");
	const row = configRow(
		new Reader(mistakes),
		{
			interface: id.slice(0, dot),
			direction: id.slice(dot + 1),
			id: 0,
			flags: [],
			name: "",
		},
		[key],
	);
	mistakes.throwIfAny();
	return row as NonNullable<typeof row>;
}
