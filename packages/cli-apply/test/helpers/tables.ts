import { execFileSync } from "node:child_process";
import { type PinnedTables, withTables } from "@sluice/cli-kit/testing";
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
