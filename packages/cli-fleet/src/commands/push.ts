import { badInput, type Context, command, counted } from "@sluice/cli-kit";
import { type Machine, mostDeletes } from "@sluice/machine";
import type { Etcd } from "../etcd/etcd.js";
import type { Documents } from "../push/documents.js";
import type { Pushed, PushOptions, RowDifference } from "../push/push.js";
import { batchOf, groupsOf, type Rollout } from "../push/rollout.js";
import type { Paths } from "../rows/paths.js";
import {
	openStore,
	storeArgs,
	storeOptions,
	waitArg,
	waitOption,
} from "./options.js";

export const push = command({
	usage: "push <file>...",
	summary: "Write documents of machines and links into etcd for their agents",
	positionals: {
		file: "A document, in YAML or JSON; - for standard input",
	},
	options: {
		"dry-run": {
			type: "boolean",
			describe: "Print which rows would be changed, and change nothing",
		},
		diff: {
			type: "boolean",
			describe:
				"Print each row that is changed as it was and as it is, without keys",
		},
		"max-delete": {
			type: "string",
			describe:
				"Rows of a machine that may be deleted: a number, or a share such as 30% [default: 20 or 10%]",
		},
		"allow-empty": {
			type: "boolean",
			describe: "Also where a document has no row: all is deleted",
		},
		delete: {
			type: "boolean",
			describe: "Take the links of the documents away from both their machines",
		},
		reset: {
			type: "boolean",
			describe:
				"After a restore of etcd: accepted also by agents that have applied a newer generation, or one of another cluster",
		},
		wait: waitOption(
			"Until the agents have applied it, of each group at most --wait=SECONDS",
		),
		canary: {
			type: "string",
			value: "machines",
			describe: "Machines that have to apply it before the others get it",
		},
		batch: {
			type: "string",
			describe:
				"Machines at a time: a number, or a share such as 10%; stops at the first refusal",
		},
		...storeOptions,
	},
	examples: [
		["push gw1.yaml gw2.yaml --dry-run --diff", "Show what would be changed"],
		["push gw*.yaml --canary gw1 --batch 10%", "Carefully"],
	],
	parse(args, env) {
		const most = args.optional("max-delete");
		const batch = args.optional("batch");
		const rollout: Rollout = {
			canary: args.optional("canary")?.split(",") ?? [],
			batch: batch === undefined ? undefined : batchOf(batch),
		};
		return {
			files: args.list("file"),
			store: storeArgs(args, env),
			options: {
				dryRun: args.flag("dry-run"),
				mostDeletes: most === undefined ? undefined : mostDeletes(most),
				allowEmpty: args.flag("allow-empty"),
				reset: args.flag("reset"),
			} satisfies PushOptions,
			isDelete: args.flag("delete"),
			wait: args.flag("wait"),
			seconds: waitArg(args),
			isDiff: args.flag("diff"),
			rollout,
		};
	},
	kernel: false,
	async run(
		{ files, store, options, isDelete, isDiff, wait, seconds, rollout },
		context,
	) {
		const { readDocuments } = await import("../push/documents.js");
		const documents = readDocuments(files, context.env);
		const groups = groupsOf(documents.machines, rollout);
		if (
			documents.links.length > 0 &&
			(rollout.canary.length > 0 || rollout.batch)
		)
			throw badInput(
				"links are pushed one after the other; leave --canary and --batch out",
			);
		if (isDelete && documents.machines.length > 0)
			throw badInput(
				"--delete is for links; a machine is emptied by a document without rows and --allow-empty",
			);
		const timeout = wait || groups.length > 1 ? seconds : undefined;
		const { paths } = store;
		const etcd = await openStore(store);
		try {
			const pushed = [
				...(await pushMachines(etcd, paths, groups, options, timeout)),
				...(await pushLinks(
					etcd,
					paths,
					documents,
					options,
					timeout,
					isDelete,
				)),
			];
			printPushed(pushed, { isDry: options.dryRun, isDiff }, context);
		} finally {
			etcd.close();
		}
	},
});

async function pushMachines(
	etcd: Etcd,
	paths: Paths,
	groups: readonly Machine[][],
	options: PushOptions,
	seconds: number | undefined,
): Promise<Pushed[]> {
	const {
		currentOf,
		push: pushOne,
		rowsWithDocument,
	} = await import("../push/push.js");
	const { waitForAgents } = await import("../push/wait.js");
	const { rowsOf } = await import("../rows/rows.js");
	const all: Pushed[] = [];
	for (const group of groups) {
		const wanted = new Map<string, number>();
		for (const machine of group) {
			const { name } = machine;
			const generation =
				machine.generation === undefined
					? undefined
					: Number(machine.generation);
			const current = await currentOf(etcd, paths, name);
			const rows = rowsWithDocument(current, rowsOf(machine), name);
			const one = await pushOne(etcd, paths, name, current, rows, {
				...options,
				generation,
			});
			all.push(one);
			wanted.set(name, one.generation);
		}
		if (seconds !== undefined && !options.dryRun)
			await waitForAgents(etcd, paths, wanted, seconds);
	}
	return all;
}

async function pushLinks(
	etcd: Etcd,
	paths: Paths,
	{ links }: Documents,
	options: PushOptions,
	seconds: number | undefined,
	isDelete: boolean,
): Promise<Pushed[]> {
	if (links.length === 0) return [];
	const { deleteLink, pushLink } = await import("../push/links.js");
	const all: Pushed[] = [];
	for (const link of links)
		all.push(
			...(isDelete
				? await deleteLink(etcd, paths, link.name, options, seconds)
				: await pushLink(etcd, paths, link, options, seconds)),
		);
	return all;
}

/** Prints the result of a push: `isDry`, which rows would be changed; `isDiff`, each row as it was and as it is. */
export function printPushed(
	pushed: readonly Pushed[],
	{ isDry = false, isDiff = false }: { isDry?: boolean; isDiff?: boolean },
	context: Context,
): void {
	const line = ({ machine, generation, changed, ...rows }: Pushed) =>
		changed
			? `${machine}: generation ${generation}: ${counted(rows.added.length, "row")} added, ${rows.updated.length} changed, ${rows.deleted.length} deleted${isDry ? ", not pushed" : ""}`
			: `${machine}: generation ${generation}: nothing changed`;
	context.print(
		() =>
			pushed.flatMap((one) => [
				...(isDiff ? one.differences.flatMap(differenceLines(one)) : []),
				...(isDry && !isDiff
					? [
							...one.added.map((key) => `+ ${one.machine} ${key}`),
							...one.updated.map((key) => `~ ${one.machine} ${key}`),
							...one.deleted.map((key) => `- ${one.machine} ${key}`),
						]
					: []),
				line(one),
			]),
		() => ({
			pushed: !isDry,
			machines: pushed.map(({ differences, ...one }) => ({
				...one,
				...(isDry
					? {}
					: {
							added: one.added.length,
							updated: one.updated.length,
							deleted: one.deleted.length,
						}),
				...(isDiff ? { differences } : {}),
			})),
		}),
	);
}

const differenceLines =
	({ machine }: Pushed) =>
	({ row, before, after }: RowDifference): string[] => [
		...(before ? [`- ${machine} ${row} ${JSON.stringify(before)}`] : []),
		...(after ? [`+ ${machine} ${row} ${JSON.stringify(after)}`] : []),
	];
