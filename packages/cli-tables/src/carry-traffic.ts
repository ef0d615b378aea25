import { existsSync } from "node:fs";
import { join } from "node:path";
import { openTable } from "@sluice/maps";
import {
	FREED_SLOT,
	type Traffic,
	type TrafficKey,
	trafficOwnerTable,
	trafficSlotTable,
	trafficTable,
} from "@sluice/maps/tables";

/**
 * Adds the counters of the slots to the rows of `map_tunnel_stats`, for programs without slots. A packet that is counted in
 * a row at this moment may be missing.
 *
 * @param from directory of the pins with slots
 * @param to directory of the pins of the programs that run now
 */
export function carryTraffic(from: string, to: string): void {
	const hasSlots = (pins: string) =>
		existsSync(join(pins, trafficSlotTable.name));
	if (!hasSlots(from) || hasSlots(to)) return;
	const owners = openTable(trafficOwnerTable, from, { readOnly: true });
	const counters = openTable(trafficSlotTable, from, { readOnly: true });
	const rows = openTable(trafficTable, to);
	for (const [slot, owner] of owners.entries()) {
		if (owner === FREED_SLOT) continue;
		for (const direction of [0, 1]) {
			const counted = counters.get(2 * slot + direction) ?? [];
			if (counted.every(({ packets }) => packets === 0n)) continue;
			const key = keyOf(owner, direction);
			rows.set(key, sumOf(counted, rows.get(key)));
		}
	}
	for (const table of [owners, counters, rows]) table.close();
}

function keyOf(owner: bigint, direction: number): TrafficKey {
	const bytes = Buffer.alloc(trafficTable.key.size);
	bytes.writeBigUInt64LE(owner);
	bytes.writeUInt32LE(direction, 8);
	return trafficTable.key.read(bytes, 0);
}

const sumOf = (a: readonly Traffic[], b: readonly Traffic[] = []): Traffic[] =>
	a.map(({ packets, bytes }, cpu) => ({
		packets: packets + (b[cpu]?.packets ?? 0n),
		bytes: bytes + (b[cpu]?.bytes ?? 0n),
	}));
