import { badInput, command, values } from "@sluice/cli-kit";
import { type Config, configTable, flagNames } from "@sluice/maps/tables";
import { configDocument, configLine } from "../format.js";
import { ifindexOf, indexOf, isIndex } from "../rows.js";

export const set = command({
	usage: "set <row..>",
	summary: "Tell a program what to do",
	positionals: {
		row: "[<interface>] <idx> <id> <flags> <name>: idx 0 ingress or 1 egress; id and name as you like, 0 to 4294967295 and up to 31 bytes; flags as a number, or names separated by commas (ingress: gue, dnat, dump, open-ping; egress: proxy, snat, dump, fib)",
	},
	bulk: "change",
	examples: [
		["set 1 7 17 gateway", "Egress of every interface: proxy and fib"],
		["set eth0 0 7 gue,dnat gateway", "Ingress of eth0, by names"],
	],
	parse: (args) => rowOf(args.list("row")),
	run({ interface: name, queue, config }, context) {
		const ifindex = name === undefined ? 0 : ifindexOf(name, context);
		const key = { ifindex, queue };
		const table = context.openTable(configTable);
		context.locked(() => table.set(key, config));
		context.print(
			() => [configLine(name ?? "*", key, config)],
			() => configDocument(name ?? "*", key, config),
		);
	},
});

/** What a line sets. */
export interface Row {
	/** Undefined: every interface. */
	interface: string | undefined;
	queue: number;
	config: Config;
}

function rowOf(words: readonly string[]): Row {
	if (words.length < 4 || words.length > 5)
		throw badInput(
			`needs [<interface>] <idx> <id> <flags> <name>, got ${words.length} arguments`,
		);
	const [idx, id, flags, name] = words.slice(-4) as [
		string,
		string,
		string,
		string,
	];
	const queue = indexOf(idx);
	return {
		interface:
			words.length === 5 ? interfaceName(words[0] as string) : undefined,
		queue,
		config: {
			id: values.u32("id", id),
			flags: values.flags("flags", flags, flagNames[queue] ?? {}),
			name: instanceName(name),
		},
	};
}

function interfaceName(text: string): string {
	if (text === "all" || isIndex(text))
		throw badInput(`interface must be the name of one, got "${text}"`);
	return text;
}

/** Bytes that a name may have: the table holds 32, the last of them zero. */
const LONGEST_NAME = 31;

function instanceName(text: string): string {
	const length = Buffer.byteLength(text);
	if (length > LONGEST_NAME)
		throw badInput(
			`name must be at most ${LONGEST_NAME} bytes long, got ${length}`,
		);
	// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
	if (/[\x00-\x1f\x7f]/.test(text))
		throw badInput(
			`name must have no control characters, got ${JSON.stringify(text)}`,
		);
	return text;
}
