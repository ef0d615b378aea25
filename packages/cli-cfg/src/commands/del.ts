import { command, counted, ifExistsOption } from "@sluice/cli-kit";
import { configTable } from "@sluice/maps/tables";
import { interfaceOf, selection } from "../rows.js";
import { noRow, select } from "./get.js";

export const del = command({
	usage: ["del <idx>|all", "del <interface> [<idx>]"],
	summary: "Delete rows; without a row, packets pass untouched",
	positionals: {
		idx: "0 ingress, 1 egress: the row for every interface, or one of the interface [default: both]",
		interface: "Rows of this interface alone",
	},
	options: ifExistsOption("row"),
	bulk: "change",
	examples: [
		["del 0", "Delete the ingress row of every interface"],
		["del eth0", "Delete the rows of eth0"],
		["del all", "Delete all rows"],
	],
	parse: (args) => ({
		wanted: selection(args),
		ifExists: args.flag("if-exists"),
	}),
	run({ wanted, ifExists }, context) {
		const deleted = context.locked((tables) => {
			const table = tables.openTable(configTable);
			const rows = select([...table.entries()], wanted, context);
			// An idx alone names the row that was set with an idx alone.
			const meant = rows.filter(
				([key]) =>
					wanted.interface !== undefined ||
					wanted.direction === undefined ||
					key.ifindex === 0,
			);
			table.deleteMany(meant.map(([key]) => key));
			return meant.map(([key]) => key);
		});
		const isAll =
			wanted.interface === undefined && wanted.direction === undefined;
		if (deleted.length === 0 && !ifExists && !isAll) throw noRow(wanted);
		context.print([`deleted ${counted(deleted.length, "row")}`], {
			deleted: deleted.map((key) => ({
				interface: interfaceOf(key, context) ?? null,
				ifindex: key.ifindex,
				direction: key.direction,
			})),
		});
	},
});
