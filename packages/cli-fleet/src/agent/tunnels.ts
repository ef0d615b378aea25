import type { Context } from "@sluice/cli-kit";
import { endpointText } from "@sluice/maps/address";
import { tunnelTable } from "@sluice/maps/tables";
import { UNKNOWN } from "@sluice/tunnel";

/** What is known of a tunnel's far end. */
interface TunnelState {
	id: number;
	/** Null: not learned yet. */
	remote: string | null;
	/** Seconds since the last ping, when it was read; null: there was none. */
	pingAge: number | null;
}

/** Learned remotes, for those who look after a fleet. */
export function readTunnels(context: Context): TunnelState[] {
	const states: TunnelState[] = [];
	const table = context.openTable(tunnelTable, { readOnly: true });
	table.forEach(
		(id, { remote, remotePort, lastPing }) => {
			states.push({
				id,
				remote: remote.equals(UNKNOWN)
					? null
					: endpointText(remote, remotePort),
				pingAge:
					lastPing === 0n
						? null
						: Math.max(Math.round(context.kernel.secondsSince(lastPing)), 0),
			});
		},
		(id) => id,
	);
	table.close();
	return states;
}
