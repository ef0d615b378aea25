import { execFileSync } from "node:child_process";
import { type PinnedTables, withTables } from "@sluice/cli-kit/testing";
import { Address } from "@sluice/maps/address";
import { type Tunnel, tunnelTable } from "@sluice/maps/tables";
import {
	type Finding,
	findings,
	type Opener,
	openServiceTables,
	openTunnelTables,
} from "@sluice/tunnel";
import test from "ava";

/** `test` with pinned tables, on a machine that has 127.0.0.1. */
export const it = withTables(test);

if (process.getuid?.() === 0)
	test.before(() => {
		execFileSync("ip", ["link", "set", "lo", "up"]);
	});

/** What `cli_service check` finds in the tables. */
export function foundIn(tables: PinnedTables): Finding[] {
	const opener: Opener = {
		staged: false,
		openTable: (table) => tables.open(table),
	};
	return findings(openServiceTables(opener), openTunnelTables(opener));
}

/** Gives a tunnel the remote of a ping, as ingress does. @returns the row */
export function learnRemote(tables: PinnedTables, id: number): Tunnel {
	const tunnels = tables.open(tunnelTable);
	const learned = {
		...(tunnels.get(id) as Tunnel),
		remote: Address.of("198.51.100.7"),
		remotePort: 40_000,
		lastPing: 5n,
	};
	tunnels.set(id, learned);
	return learned;
}
