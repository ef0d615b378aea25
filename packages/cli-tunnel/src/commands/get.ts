import { command, counted, missing, values } from "@sluice/cli-kit";
import type { Endpoint, Tunnel, TunnelOptions } from "@sluice/maps/tables";
import {
	localEndpoint,
	openTunnelTables,
	type TunnelTables,
} from "@sluice/tunnel";
import {
	decapDocument,
	decapLine,
	type Now,
	nowOf,
	optionLines,
	pingedTunnelLine,
	tunnelJson,
} from "../format.js";

import { pathMtus } from "../path-mtu.js";

export const get = command({
	usage: "get <id>|all",
	summary: "Show a tunnel, or all tunnels and their local endpoints",
	positionals: { id: "Tunnel id, 0 to 4294967295, or all" },
	bulk: "show",
	examples: [
		["get all", "Show all tunnels"],
		["get 100", "Show tunnel 100"],
		[
			"get all --json | jq '.tunnels[] | select(.remote == null)'",
			"Tunnels whose far end has not called yet",
		],
		[
			"get all --json | jq '.tunnels[] | select(.lastPingAge > 30)'",
			"Tunnels whose last ping is older than half a minute",
		],
	],
	parse: (args) => idOrAll(args.text("id")),
	run(id, context) {
		const tables = openTunnelTables(context, { readOnly: true });
		const rows = id === "all" ? everything(tables) : one(tables, id);
		const now = nowOf(context);
		const mtuOf = pathMtus(context, now, id === "all");
		const options = optionsOf(tables, id);
		context.printLong((line) => printLines(rows, now, mtuOf, options, line), {
			tunnels: (row) =>
				rows.tunnels((id, tunnel) => {
					const one = options.get(id);
					row(tunnelJson(id, tunnel, () => now, one, mtuOf(tunnel, one)));
				}),
			decap: (row) =>
				rows.decap.forEach(([endpoint, references]) => {
					row(decapDocument(endpoint, references));
				}),
		});
	},
});

interface Listing {
	// Read while they are printed: of a large table, they need not all be there at once.
	tunnels(visit: (id: number, tunnel: Tunnel) => void): void;
	decap: (readonly [Endpoint, number])[];
}

function printLines(
	{ tunnels, decap }: Listing,
	now: Now,
	mtuOf: ReturnType<typeof pathMtus>,
	options: ReadonlyMap<number, TunnelOptions>,
	line: (text: string) => void,
) {
	let count = 0;
	tunnels((id, tunnel) => {
		count++;
		const one = options.get(id);
		const mtu = mtuOf(tunnel, one);
		line(
			`${pingedTunnelLine(id, tunnel, now, one)}${mtu === undefined ? "" : `\tpath MTU ${mtu}`}`,
		);
	});
	for (const [id, one] of options)
		for (const text of optionLines(id, one)) line(text);
	for (const [endpoint, references] of decap)
		line(decapLine(endpoint, references));
	line(
		`${counted(count, "tunnel")}, ${counted(decap.length, "local endpoint")}`,
	);
}

function optionsOf(
	{ options }: TunnelTables,
	id: number | "all",
): ReadonlyMap<number, TunnelOptions> {
	if (id === "all")
		return new Map([...options.entries()].sort(([a], [b]) => a - b));
	const one = options.get(id);
	return new Map(one && [[id, one]]);
}

/** The argument of get, del, ping and stats. */
export const idOrAll = (text: string): number | "all" =>
	values.integerOr("id", text, "all", 0, 0xffff_ffff);

/** @throws Failure missing */
export const noTunnel = (id: number) => missing(`no tunnel ${id}`);

function everything({ tunnels, decap }: TunnelTables): Listing {
	return {
		tunnels: (visit) => tunnels.forEach(visit, (id) => id),
		decap: [...decap.entries()],
	};
}

function one({ tunnels, decap }: TunnelTables, id: number): Listing {
	const tunnel = tunnels.get(id);
	if (!tunnel) throw noTunnel(id);
	const endpoint = localEndpoint(tunnel);
	const references = decap.get(endpoint);
	return {
		tunnels: (visit) => visit(id, tunnel),
		decap: references === undefined ? [] : [[endpoint, references]],
	};
}
