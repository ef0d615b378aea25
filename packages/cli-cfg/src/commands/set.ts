import { type Args, badInput, command, Failure, values } from "@sluice/cli-kit";
import {
	type Config,
	configTable,
	type Direction,
	flagNames,
} from "@sluice/maps/tables";
import { configDocument, configLine } from "../format.js";
import { directionOf, ifindexOf, isIndex } from "../rows.js";

export const set = command({
	usage: [
		"set [<interface>] <idx> <id> <flags> <name>",
		"set [<interface>] <idx> <change>",
	],
	summary: "Configure a program",
	minusWords: true,
	positionals: {
		interface:
			"The interface [default: every interface without a row of its own]",
		idx: "0 ingress, 1 egress",
		id: "A number of your own, 0 to 4294967295",
		flags:
			"A number, or names separated by commas (ingress: gue, dnat, dump, open-ping, fast, local, peer; egress: proxy, snat, dump, fib, peer)",
		name: "A name of your own, at most 31 bytes",
		change: "One flag of the row that is there: +dump sets it, -dump clears it",
	},
	bulk: "change",
	examples: [
		["set 1 7 17 gateway", "Egress of every interface: proxy and fib"],
		["set eth0 0 7 gue,dnat gateway", "Ingress of eth0, by names"],
		["set eth0 0 +dump", "Show its packets to cli_cfg dump, too"],
	],
	parse: rowOf,
	run({ interface: name, direction, config }, context) {
		const ifindex = name === undefined ? 0 : ifindexOf(name, context);
		const key = { ifindex, direction };
		const row = context.locked((tables) => {
			const table = tables.openTable(configTable);
			const after =
				"id" in config
					? config
					: changed(
							table.get(key),
							config,
							name ?? "every interface",
							direction,
						);
			table.set(key, after);
			return after;
		});
		context.print(
			() => [configLine(name ?? "*", key, row)],
			() => configDocument(name ?? "*", key, row),
		);
	},
});

/** What a line sets. */
export interface ConfigRow {
	/** Undefined: every interface. */
	interface: string | undefined;
	direction: Direction;
	config: Config | Change;
}

/** One bit of a row's flags. */
interface Change {
	bit: number;
	isSet: boolean;
}

/** @throws Failure missing, where there is no row */
function changed(
	row: Config | undefined,
	{ bit, isSet }: Change,
	device: string,
	direction: Direction,
): Config {
	if (!row)
		throw new Failure("missing", `no row of ${device} for ${direction}`, {
			hint: "set it whole: cli_cfg set [<interface>] <idx> <id> <flags> <name>",
		});
	return { ...row, flags: (isSet ? row.flags | bit : row.flags & ~bit) >>> 0 };
}

function rowOf(args: Args): ConfigRow {
	const change = args.optional("change");
	// First: where it is no change, it is not known which word is the interface.
	if (change !== undefined) mustBeSigned(change);
	const name = args.optional("interface");
	const direction = directionOf(args.text("idx"));
	const known = flagNames[direction];
	return {
		interface: name === undefined ? undefined : interfaceName(name),
		direction,
		config:
			change === undefined
				? {
						id: values.u32("id", args.text("id")),
						flags: values.flags("flags", args.text("flags"), known),
						name: instanceName(args.text("name")),
					}
				: {
						bit: values.flags("change", change.slice(1), known),
						isSet: change.startsWith("+"),
					},
	};
}

/** `+dump`, `-dump`. @throws Failure usage */
function mustBeSigned(change: string): void {
	if (/^[+-]/.test(change)) return;
	throw badInput(
		`change must be + or - and a flag, got "${change}"`,
		"a whole row is [<interface>] <idx> <id> <flags> <name>",
	);
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
	// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are refused
	if (/[\x00-\x1f\x7f]/.test(text))
		throw badInput(
			`name must have no control characters, got ${JSON.stringify(text)}`,
		);
	return text;
}
