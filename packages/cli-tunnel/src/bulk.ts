import type { BulkTables, Context } from "@sluice/cli-kit";
import {
	type Tunnel,
	type TunnelOptions,
	tunnelOptionsTable,
	tunnelTable,
} from "@sluice/maps/tables";
import {
	countAgain,
	deleteTunnel,
	isLearned,
	openTunnelTables,
	type TunnelSpec,
	UNKNOWN,
} from "@sluice/tunnel";
import { refuseWhileUsed } from "./commands/del.js";
import { set } from "./commands/set.js";
import { setOptions } from "./format.js";

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
	setWords(id, tunnel, context, how) {
		const { local, localPort, remote, remotePort } = tunnel;
		const isForgotten =
			how?.withoutLearned && isLearned(tunnel, optionsOf(context).get(id));
		return [
			"set",
			String(id),
			local.toString(),
			String(localPort),
			...(remote.equals(UNKNOWN) || isForgotten
				? ["0", "0"]
				: [remote.toString(), String(remotePort)]),
		];
	},
	setOptions(id, context) {
		const options = optionsOf(context).get(id);
		return options ? setOptions(options) : [];
	},
	beside: [tunnelOptionsTable],
	delWords: (id) => ["del", String(id)],
	saveOptions: {
		"without-learned": {
			type: "boolean",
			describe: "Save learned remotes as 0 0",
		},
	},
	saveHow: (args) => ({ withoutLearned: args.flag("without-learned") }),
	// Tunnels that stay are set in place, so that they keep their learned remotes.
	restoreOptions: {
		force: {
			type: "boolean",
			describe: "Delete tunnels also if services use them",
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

const known = new WeakMap<Context, Map<number, TunnelOptions>>();

/** The options of all tunnels: read once, for few of many tunnels have any. */
function optionsOf(context: Context): Map<number, TunnelOptions> {
	let options = known.get(context);
	if (!options) {
		const table = context.openTable(tunnelOptionsTable, { readOnly: true });
		options = new Map(table.entries());
		known.set(context, options);
	}
	return options;
}
