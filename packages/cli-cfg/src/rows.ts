import {
	type Args,
	badInput,
	type Context,
	noInterface,
	values,
} from "@sluice/cli-kit";
import type { ConfigKey, Direction } from "@sluice/maps/tables";

/** The rows that a command line selects: an omitted part matches all. */
export interface Selection {
	/** Name of an interface, or undefined for rows of any interface. */
	interface: string | undefined;
	direction: Direction | undefined;
}

export const isIndex = (text: string) => text === "0" || text === "1";

/** `<idx>|all` or `<interface> [<idx>]`. @throws Failure usage */
export function selection(args: Args): Selection {
	const name = args.optional("interface");
	const idx = args.optional("idx");
	// A single word is read as <idx>.
	if (name === undefined && idx !== undefined && !isIndex(idx))
		return { interface: idx === "all" ? undefined : idx, direction: undefined };
	if (name === "all" || (name !== undefined && isIndex(name)))
		throw badInput(`nothing may follow ${name}, got "${idx}"`);
	return {
		interface: name,
		direction: idx === undefined ? undefined : directionOf(idx),
	};
}

/** @throws Failure usage */
export const directionOf = (text: string): Direction =>
	values.integer("idx", text, 0, 1) === 0 ? "ingress" : "egress";

/**
 * The index of an interface; `if7` is index 7 if no interface has that name, which selects the rows of a deleted
 * interface.
 *
 * @throws Failure missing, where there is none
 */
export function ifindexOf(name: string, { kernel }: Context): number {
	const index = kernel.interfaceIndex(name);
	if (index !== undefined) return index;
	const gone = /^if([1-9]\d{0,8})$/.exec(name);
	if (gone) return Number(gone[1]);
	throw noInterface(name);
}

/** "*" for all interfaces, undefined for a deleted one. */
export const interfaceOf = (
	{ ifindex }: ConfigKey,
	{ kernel }: Context,
): string | undefined => (ifindex === 0 ? "*" : kernel.interfaceName(ifindex));
