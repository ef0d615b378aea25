import { type Args, type Context, command } from "@sluice/cli-kit";
import { label } from "../binding/label.js";
import { bindingRows, destinationRows } from "../text/listing.js";
import { jsonOf } from "./binding.js";
import { openToRead } from "./open.js";

const positionals = { label: "Only what belongs to this label" };

const parse = (args: Args) => {
	const text = args.optional("label");
	// An empty label is the unset variable of a script.
	return text ? label("label", text) : undefined;
};

export const status = command({
	usage: "status [<label>]",
	summary: "Show bindings and destinations",
	positionals,
	parse,
	run: show,
});

export const list = command({
	usage: "list [<label>]",
	summary: "Deprecated: the same as status",
	positionals,
	parse,
	async run(only, context) {
		context.warn('deprecated; use "tubectl status"');
		await show(only, context);
	},
});

async function show(only: string | undefined, context: Context) {
	const { readBindings } = await import("../state/read-bindings.js");
	const { readDestinations } = await import("../state/status.js");
	const { cookieText } = await import("../state/sockets.js");
	const tables = openToRead(context);
	const isMeant = (one: { label: string }) =>
		only === undefined || one.label === only;
	const bindings = readBindings(tables, isMeant);
	const destinations = readDestinations(tables).filter(isMeant);
	tables.close();
	context.printLong(
		(line) => {
			line("Bindings:");
			bindingRows(bindings)(line);
			line("");
			line("Destinations:");
			destinationRows(destinations, cookieText)(line);
		},
		{
			bindings: jsonOf(bindings),
			destinations: (row) => {
				for (const { socket, errorsBadSocket: errors, ...rest } of destinations)
					row({
						...rest,
						errors,
						socket: socket === undefined ? null : cookieText(socket),
					});
			},
		},
	);
}
