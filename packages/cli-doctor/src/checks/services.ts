import {
	findings as inconsistencies,
	openServiceTables,
	openTunnelTables,
} from "@sluice/tunnel";
import type { Check } from "../finding.js";

/** What `cli_service check` finds: rows that do not belong together. */
export const services: Check = {
	name: "rows of services",
	look(world) {
		if (!world.isPinned) return [];
		const tables = openServiceTables(world.opener, { readOnly: true });
		const tunnels = openTunnelTables(world.opener, { readOnly: true });
		try {
			return inconsistencies(tables, tunnels).map(
				({ code, message, repair }) => ({
					code: `service-${code.toLowerCase().replaceAll("_", "-")}`,
					message,
					...(repair
						? { fix: "cli_service check --repair" }
						: { question: advice[code] ?? "which of them is meant?" }),
				}),
			);
		} finally {
			for (const opened of [tables, tunnels])
				for (const table of Object.values(opened)) table.close();
		}
	},
};

const advice: Readonly<Record<string, string>> = {
	TOKEN_NO_KEY:
		'tokens are made with a signing key: set the service with --signing-key, or the tunnel with "--token off"',
	NO_TUNNEL:
		'is its tunnel id right? "cli_tunnel get all" shows those that are set; "cli_tunnel set" makes one',
};
