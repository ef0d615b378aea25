import { type Args, badInput, command, values } from "@sluice/cli-kit";
import { type Config, configTable, flagNames } from "@sluice/maps/tables";
import { configDocument, configLine } from "../format.js";
import { ifindexOf, indexOf, isIndex } from "../rows.js";

export const set = command({
	usage: "set [<interface>] <idx> <id> <flags> <name>",
	summary: "Tell a program what to do",
	positionals: {
		interface:
			"The interface [default: every interface without a row of its own]",
		idx: "0 ingress, 1 egress",
		id: "A number of your own, 0 to 4294967295",
		flags:
			"A number, or names separated by commas (ingress: gue, dnat, dump, open-ping, local; egress: proxy, snat, dump, fib)",
		name: "A name of your own, at most 31 bytes",
	},
	bulk: "change",
	examples: [
		["set 1 7 17 gateway", "Egress of every interface: proxy and fib"],
		["set eth0 0 7 gue,dnat gateway", "Ingress of eth0, by names"],
	],
	parse: rowOf,
	run({ interface: name, queue, config }, context) {
		const ifindex = name === undefined ? 0 : ifindexOf(name, context);
		const key = { ifindex, queue };
		context.locked((tables) => tables.openTable(configTable).set(key, config));
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

function rowOf(args: Args): Row {
	const name = args.optional("interface");
	const queue = indexOf(args.text("idx"));
	return {
		interface: name === undefined ? undefined : interfaceName(name),
		queue,
		config: {
			id: values.u32("id", args.text("id")),
			flags: values.flags("flags", args.text("flags"), flagNames[queue] ?? {}),
			name: instanceName(args.text("name")),
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
