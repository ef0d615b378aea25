import {
	addTraffic,
	aligned,
	type Context,
	command,
	counted,
	looksOf,
	noTraffic,
	type TwoWayTraffic,
	trafficCells,
	trafficCounters,
	trafficHeader,
	trafficRates,
	trafficRatesHeader,
	watch,
	watchOptions,
} from "@sluice/cli-kit";
import { tunnelTable } from "@sluice/maps/tables";
import { idOrAll, noTunnel } from "./get.js";

/** Packets and bytes of one tunnel. */
interface TunnelTraffic extends TwoWayTraffic {
	id: number;
}

export const stats = command({
	usage: "stats [id|all]",
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
	run({ id, looks }, context) {
		if (looks)
			return watch<TunnelTraffic>(context, looks, {
				noun: "tunnels",
				read: () => read(context, id),
				name: (row) => row.id,
				counters: trafficCounters,
				always: () => id !== "all",
				lines: (rows) =>
					table(
						trafficRatesHeader,
						rows.map(({ row, rates }) => [
							String(row.id),
							...trafficRates(rates),
						]),
					),
			});
		const list = read(context, id);
		const lines = () =>
			table(
				trafficHeader,
				list.map((row) => [String(row.id), ...trafficCells(row)]),
			);
		context.print(
			() => [...lines(), counted(list.length, "tunnel")],
			() => ({ tunnels: list }),
		);
	},
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

const table = (header: readonly string[], rows: readonly string[][]) =>
	aligned(
		[["tunnel", ...header], ...rows],
		["tunnel", ...header].map(() => true),
	);
