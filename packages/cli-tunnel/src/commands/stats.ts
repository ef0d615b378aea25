import {
	type Context,
	command,
	looksOf,
	showTraffic,
	watchOptions,
} from "@sluice/cli-kit";
import { tunnelTable } from "@sluice/maps/tables";
import { addTraffic, noTraffic, type TwoWayTraffic } from "@sluice/tunnel";
import { idOrAll, noTunnel } from "./get.js";

/** Packets and bytes of one tunnel. */
interface TunnelTraffic extends TwoWayTraffic {
	id: number;
}

export const stats = command({
	usage: "stats [<id>|all]",
	summary: "Show the packets and bytes of each tunnel",
	positionals: { id: "Tunnel id, 0 to 4294967295, or all [default: all]" },
	options: watchOptions,
	examples: [
		["stats 100", "What has gone through tunnel 100"],
		["stats --watch", "What goes through the tunnels now"],
	],
	parse: (args) => ({
		id: idOrAll(args.optional("id") ?? "all"),
		looks: looksOf(args),
	}),
	run: ({ id, looks }, context) =>
		showTraffic<TunnelTraffic>(context, looks, {
			noun: "tunnel",
			columns: ["tunnel"],
			read: () => read(context, id),
			cells: (row) => [String(row.id)],
			name: (row) => row.id,
			always: id !== "all",
		}),
});

function read(context: Context, id: number | "all"): TunnelTraffic[] {
	const tunnels = context.openTable(tunnelTable, { readOnly: true });
	if (id !== "all" && !tunnels.get(id)) throw noTunnel(id);
	const ids = id === "all" ? [...tunnels.entries()].map(([n]) => n) : [id];
	const rows = new Map(
		ids.sort((a, b) => a - b).map((n) => [n, { id: n, ...noTraffic() }]),
	);
	tunnels.close();
	addTraffic(context, ({ tunnel }) => rows.get(tunnel));
	return [...rows.values()];
}
