import { command, counted, missing, values } from "@sluice/cli-kit";
import {
	decapDocument,
	decapLine,
	tunnelDocument,
	tunnelLine,
} from "../format.js";
import { openTunnelTables, type TunnelTables } from "../tables.js";
import { localEndpoint } from "../tunnels.js";

export const get = command({
	usage: "get <id|all>",
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
	],
	parse: (args) => idOrAll(args.text("id")),
	run(id, context) {
		const tables = openTunnelTables(context, { readOnly: true });
		const { tunnels, decap } =
			id === "all" ? everything(tables) : one(tables, id);
		context.print(
			() => [
				...tunnels.map(([number, tunnel]) => tunnelLine(number, tunnel)),
				...decap.map(([endpoint, references]) =>
					decapLine(endpoint, references),
				),
				`${counted(tunnels.length, "tunnel")}, ${counted(decap.length, "local endpoint")}`,
			],
			() => ({
				tunnels: tunnels.map(([number, tunnel]) =>
					tunnelDocument(number, tunnel),
				),
				decap: decap.map(([endpoint, references]) =>
					decapDocument(endpoint, references),
				),
			}),
		);
	},
});

/** The argument of get, del, ping and stats. */
export const idOrAll = (text: string): number | "all" =>
	text === "all" ? "all" : values.u32("id", text);

/** @throws Failure missing */
export const noTunnel = (id: number) => missing(`no tunnel ${id}`);

function everything({ tunnels, decap }: TunnelTables) {
	return {
		tunnels: [...tunnels.entries()].sort(([a], [b]) => a - b),
		decap: [...decap.entries()],
	};
}

function one({ tunnels, decap }: TunnelTables, id: number) {
	const tunnel = tunnels.get(id);
	if (!tunnel) throw noTunnel(id);
	const endpoint = localEndpoint(tunnel);
	const references = decap.get(endpoint);
	return {
		tunnels: [[id, tunnel] as const],
		decap: references === undefined ? [] : [[endpoint, references] as const],
	};
}
