import type { BulkTables } from "@sluice/cli-kit";
import { type Tunnel, tunnelTable } from "@sluice/maps/tables";
import {
	countAgain,
	deleteTunnel,
	openTunnelTables,
	type TunnelSpec,
	UNKNOWN,
} from "@sluice/tunnel";
import { refuseWhileUsed } from "./commands/del.js";
import { set } from "./commands/set.js";

/** How tunnels are batched, saved and restored. */
export const bulk: BulkTables<
	{ id: number; spec: TunnelSpec },
	number,
	Tunnel,
	{ withoutLearned: boolean } | undefined
> = {
	table: tunnelTable,
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
	restoreOptions: {
		force: {
			type: "boolean",
			describe: "Delete tunnels also where services still use them",
		},
	},
	restoring(context, args) {
		const force = args.flag("force");
		const tables = openTunnelTables(context);
		const named = new Set<number>();
		return {
			line: ({ id }) => void named.add(id),
			end() {
				for (const [id] of [...tables.tunnels.entries()])
					if (!named.has(id)) {
						if (!force) refuseWhileUsed(context, id);
						deleteTunnel(tables, id);
					}
				countAgain(tables);
			},
		};
	},
};
