import type { BulkTables } from "@sluice/cli-kit";
import {
	encapTable,
	journalRows,
	journalTable,
	natTable,
	protocolName,
	type Sid,
	type Verify,
	verifyTable,
} from "@sluice/maps/tables";
import {
	openServiceTables,
	rankOfSid,
	removeTraffic,
	type Service,
	serviceTables,
} from "@sluice/tunnel";
import { keysShown } from "./commands/arguments.js";
import { set } from "./commands/set.js";
import { plainKey } from "./format.js";

/** How services are batched, saved and restored. */
export const bulk: BulkTables<{ service: Service }, Sid, Verify> = {
	table: verifyTable,
	order: serviceTables,
	set,
	rank: rankOfSid,
	setWords: ({ service, group }, { key, tunnel, proxy, backend }) => [
		"set",
		String(service),
		String(group),
		protocolName(proxy.proto),
		proxy.address,
		String(proxy.port),
		backend.address,
		String(backend.port),
		String(tunnel),
		plainKey(key),
	],
	shown: (words, context) => [
		...words.slice(0, -1),
		keysShown(false, context) === plainKey
			? (words.at(-1) as string)
			: "(hidden)",
	],
	delWords: ({ service, group }) => ["del", String(service), String(group)],
	saveNote: "with the keys, so it is as secret as they are",
	// The lines are carried out on empty tables, so that services may exchange what they have.
	restoring(context) {
		const before = [...context.stagedTable(verifyTable).entries()];
		for (const table of [verifyTable, encapTable, natTable] as const)
			context.stagedTable<unknown, unknown>(table).clear();
		return {
			line() {},
			end() {
				const tables = openServiceTables(context);
				for (const [sid, { tunnel }] of before)
					if (tables.verify.get(sid)?.tunnel !== tunnel)
						removeTraffic(tables, { sid, tunnel });
			},
		};
	},
	writing(context, write) {
		const { kernel: journal } = context.stagedTable(journalTable);
		journal.set(journalRows.takingOver, 1);
		write();
		journal.set(journalRows.takingOver, 0);
	},
};
