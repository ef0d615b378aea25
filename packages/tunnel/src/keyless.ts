import type { OpenTable } from "@sluice/maps/table";
import {
	type Sid,
	signingTable,
	type TokenMode,
	type TunnelOptions,
	tunnelOptionsTable,
} from "@sluice/maps/tables";
import { rankOfSid } from "./endpoint.js";
import { tokenModeOf } from "./options.js";
import type { Service } from "./services.js";
import type { Opener } from "./tables.js";
import { usersOf } from "./users.js";

/** Named in a warning; of more, the number. */
const NAMED = 3;

/** What packets of a service without a signing key do, by their tunnel's token mode; with the others nothing unusual. */
const consequences: Partial<Record<TokenMode, string>> = {
	send: "still carry the key",
	require: "are dropped",
};

/**
 * A warning about services without a signing key, with which tokens are made.
 *
 * @param options of their tunnel
 * @returns undefined: all is as the token mode has it
 */
export function keylessWarning(
	tunnel: number,
	options: TunnelOptions | undefined,
	keyless: readonly Sid[],
): string | undefined {
	const mode = options ? tokenModeOf(options) : "off";
	const consequence = consequences[mode];
	if (consequence === undefined || keyless.length === 0) return undefined;
	const names = [...keyless]
		.sort((a, b) => rankOfSid(a) - rankOfSid(b))
		.slice(0, NAMED)
		.map(({ service, group }) => `${service} ${group}`);
	if (keyless.length > NAMED) names.push(`${keyless.length - NAMED} more`);
	const last = names.pop();
	const list = names.length > 0 ? `${names.join(", ")} and ${last}` : last;
	const [noun, verb, whose] =
		keyless.length === 1
			? ["service", "has", "its"]
			: ["services", "have", "their"];
	return `${noun} ${list} ${verb} no signing key: ${whose} packets ${consequence}, for the token mode of tunnel ${tunnel} is ${mode}; set ${keyless.length === 1 ? "it" : "them"} with --signing-key`;
}

/** The warning about a tunnel that is set. */
export function keylessOfTunnel(
	opener: Opener,
	id: number,
	options: TunnelOptions | undefined,
): string | undefined {
	if (!options || !(tokenModeOf(options) in consequences)) return undefined;
	const signings = opener.openTable(signingTable, { readOnly: true });
	const keyless = usersOf(opener, id).filter((sid) => !signings.get(sid));
	return keylessWarning(id, options, keyless);
}

/** The warning about a service that is set. */
export function keylessService(
	opener: Opener,
	{ sid, tunnel, signing }: Pick<Service, "sid" | "tunnel" | "signing">,
): string | undefined {
	if (signing) return undefined;
	return keylessWarning(tunnel, optionsOf(opener, tunnel), [sid]);
}

type Options = OpenTable<number, TunnelOptions>;
const looked = new WeakMap<Options, Map<number, TunnelOptions>>();

function optionsOf(opener: Opener, tunnel: number): TunnelOptions | undefined {
	const table = opener.openTable(tunnelOptionsTable, { readOnly: true });
	if (!opener.staged) return table.get(tunnel);
	// As the lines of a batch see the tunnels: read once, for few of them have options.
	const known = looked.get(table) ?? new Map(table.entries());
	looked.set(table, known);
	return known.get(tunnel);
}
