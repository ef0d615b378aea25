import { aligned, command, counted } from "@sluice/cli-kit";
import { trafficTable } from "@sluice/maps/tables";
import { openTunnelTables } from "../tables.js";
import { idOrAll, noTunnel } from "./get.js";

/** Packets and bytes of one tunnel; ingress is what came out of it, egress what went in. */
interface TunnelTraffic {
	id: number;
	ingress: { packets: bigint; bytes: bigint };
	egress: { packets: bigint; bytes: bigint };
}

export const stats = command({
	usage: "stats [id|all]",
	summary: "Show the packets and bytes of each tunnel",
	positionals: { id: "Tunnel id, 0 to 4294967295, or all [default: all]" },
	examples: [["stats 100", "What has gone through tunnel 100"]],
	parse: (args) => idOrAll(args.optional("id") ?? "all"),
	run(id, context) {
		const { tunnels } = openTunnelTables(context, { readOnly: true });
		if (id !== "all" && !tunnels.get(id)) throw noTunnel(id);
		const ids = id === "all" ? [...tunnels.entries()].map(([n]) => n) : [id];
		const rows = new Map(ids.sort((a, b) => a - b).map((n) => [n, idle(n)]));
		const table = context.openTable(trafficTable, { readOnly: true });
		for (const [{ tunnel, queue }, cpus] of table.entries()) {
			const row = rows.get(tunnel)?.[queue === 0 ? "ingress" : "egress"];
			if (!row) continue;
			for (const { packets, bytes } of cpus) {
				row.packets += packets;
				row.bytes += bytes;
			}
		}
		const list = [...rows.values()];
		context.print([...lines(list), counted(list.length, "tunnel")], {
			tunnels: list,
		});
	},
});

const idle = (id: number): TunnelTraffic => ({
	id,
	ingress: { packets: 0n, bytes: 0n },
	egress: { packets: 0n, bytes: 0n },
});

const header = ["tunnel", "packets in", "bytes in", "packets out", "bytes out"];

const lines = (list: readonly TunnelTraffic[]) =>
	aligned(
		[
			header,
			...list.map(({ id, ingress, egress }) =>
				[id, ingress.packets, ingress.bytes, egress.packets, egress.bytes].map(
					String,
				),
			),
		],
		header.map(() => true),
	);
