import { type Context, command, counted, missing } from "@sluice/cli-kit";
import { type Config, type ConfigKey, configTable } from "@sluice/maps/tables";
import { selectConfig } from "@sluice/tunnel";
import { configDocument, configLine } from "../format.js";
import { ifindexOf, interfaceOf, type Selection, selection } from "../rows.js";

export const get = command({
	usage: ["get <idx>|all", "get <interface> [<idx>]"],
	summary: "Show the configuration of the programs",
	positionals: {
		idx: "0 ingress, 1 egress [default: both]",
		interface: "Rows of this interface alone",
	},
	bulk: "show",
	examples: [
		["get all", "Show all rows"],
		["get 0", "Show the rows of ingress"],
		["get eth0 1", "Show the egress row of eth0"],
	],
	parse: selection,
	run(wanted, context) {
		const table = context.openTable(configTable, { readOnly: true });
		const rows = select([...table.entries()], wanted, context);
		if (rows.length === 0 && !isAll(wanted)) throw noRow(wanted);
		context.print(
			[
				...rows.map(([key, config]) =>
					configLine(interfaceOf(key, context), key, config),
				),
				counted(rows.length, "row"),
			],
			{
				rows: rows.map(([key, config]) =>
					configDocument(interfaceOf(key, context), key, config),
				),
			},
		);
	},
});

const isAll = (wanted: Selection) =>
	wanted.interface === undefined && wanted.direction === undefined;

/** @throws Failure missing */
export const noRow = ({ interface: name, direction }: Selection) =>
	missing(
		[
			"no",
			...(direction === undefined ? [] : [direction]),
			"row",
			...(name === undefined ? [] : [`of interface "${name}"`]),
		].join(" "),
	);

/** The selected rows of the table. @throws Failure usage, where there is no such interface */
export const select = (
	rows: [ConfigKey, Config][],
	{ interface: name, direction }: Selection,
	context: Context,
): [ConfigKey, Config][] =>
	selectConfig(rows, {
		ifindex: name === undefined ? undefined : ifindexOf(name, context),
		direction,
	});
