import { type Args, command, type EachRow, values } from "@sluice/cli-kit";
import {
	type Binding,
	bindingArgs,
	bindingJson,
	bindingText,
} from "../binding/binding.js";
import { matches } from "../binding/filter.js";
import { prefix } from "../binding/prefix.js";
import * as state from "../state/bindings.js";
import { bindingRows } from "../text/listing.js";
import { openToRead } from "./open.js";

const positionals = {
	label: "The word that joins bindings to a socket, 1 to 255 bytes",
	protocol: "tcp or udp",
	prefix: "An address, or a subnet such as 192.0.2.0/24 or 2001:db8::/64",
	port: "0 to 65535; 0 is every port",
};

export const bind = command({
	usage: "bind <label> <protocol> <prefix> <port>",
	summary: "Send traffic of a subnet and port to a label",
	positionals,
	bulk: "change",
	examples: [
		["bind foo tcp 127.0.0.0/24 80", "one port of a subnet"],
		["bind foo udp 2001:db8::1 0", "every port of an address"],
	],
	parse: bindingArgs,
	run(binding, context) {
		context.locked((tables) => state.bind(tables, binding));
		context.print(
			() => [`bound ${bindingText(binding)}`],
			() => ({ bound: bindingJson(binding) }),
		);
	},
});

export const unbind = command({
	usage: "unbind <label> <protocol> <prefix> <port>",
	summary: "Remove a binding",
	positionals,
	bulk: "change",
	examples: [["unbind foo tcp 127.0.0.0/24 80", "what bind made"]],
	parse: bindingArgs,
	run(binding, context) {
		context.locked((tables) => state.unbind(tables, binding));
		context.print(
			() => [`Removed ${bindingText(binding)}`],
			() => ({ removed: bindingJson(binding) }),
		);
	},
});

export const bindings = command({
	usage: "bindings [<protocol>|any] [<prefix>] [<port>]",
	summary: "List bindings by precedence",
	positionals: {
		protocol: "tcp, udp or any",
		prefix: "Only bindings that overlap this subnet",
		port: "Only bindings of this port, or of every port; 0 is any",
	},
	examples: [
		["bindings any 127.0.0.0/8", "of a subnet, and of those around it"],
		["bindings udp ::1 443", "of an endpoint"],
	],
	parse: (args) => ({
		protocol: protocolFilter(args),
		prefix: ifGiven(args, "prefix", prefix),
		port: ifGiven(args, "port", values.port) ?? 0,
	}),
	async run(filter, context) {
		const { readBindings } = await import("../state/read-bindings.js");
		const tables = openToRead(context);
		const found = readBindings(tables, ({ key }) => matches(key, filter));
		tables.close();
		const rows = bindingRows(found);
		context.printLong(
			(line) => {
				line(found.size > 0 ? "Bindings:" : "no bindings matched");
				if (found.size > 0) rows(line);
			},
			{ bindings: jsonOf(found) },
		);
	},
});

/** Bindings for a JSON document, each made when it is printed. */
export const jsonOf =
	(bindings: Iterable<Binding>): EachRow<unknown> =>
	(row) => {
		for (const one of bindings) row(bindingJson(one));
	};

function protocolFilter(args: Args) {
	const text = args.optional("protocol") ?? "any";
	return text === "any" ? undefined : values.protocol("protocol", text);
}

function ifGiven<T>(
	args: Args,
	name: string,
	parse: (name: string, text: string) => T,
): T | undefined {
	const text = args.optional(name);
	return text === undefined ? undefined : parse(name, text);
}
