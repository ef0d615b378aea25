import type { BulkTables } from "@sluice/cli-kit";
import {
	journalRows,
	journalTable,
	type Tunnel,
	tunnelTable,
} from "@sluice/maps/tables";
import {
	countAgain,
	deleteTunnel,
	openTunnelTables,
	type TunnelSpec,
	tunnelTables,
	UNKNOWN,
} from "@sluice/tunnel";
import { set } from "./commands/set.js";

/** How tunnels are batched, saved and restored. */
export const bulk: BulkTables<
	{ id: number; spec: TunnelSpec },
	number,
	Tunnel,
	{ withoutLearned: boolean } | undefined
> = {
	table: tunnelTable,
	order: tunnelTables,
	set,
	rank: (id) => id,
	setWords(id, tunnel, _context, how) {
		const { local, localPort, remote, remotePort, lastPing } = tunnel;
		const isLearned = lastPing !== 0n && how?.withoutLearned;
		return [
			"set",
			String(id),
			local,
			String(localPort),
			...(remote === UNKNOWN || isLearned
				? ["0", "0"]
				: [remote, String(remotePort)]),
		];
	},
	delWords: (id) => ["del", String(id)],
	saveOptions: {
		"without-learned": {
			type: "boolean",
			describe: "Save remotes that were learned from pings as 0 0",
		},
	},
	saveHow: (args) => ({ withoutLearned: args.flag("without-learned") }),
	// Tunnels that stay are set again where they are, so that what they have learned stays with them.
	restoring(context) {
		const tables = openTunnelTables(context);
		const named = new Set<number>();
		return {
			line: ({ id }) => void named.add(id),
			end() {
				for (const [id] of [...tables.tunnels.entries()])
					if (!named.has(id)) deleteTunnel(tables, id);
				countAgain(tables);
			},
		};
	},
	writing(context, write) {
		const { kernel: journal } = context.stagedTable(journalTable);
		journal.set(journalRows.counting, 1);
		write();
		journal.set(journalRows.counting, 0);
	},
};
