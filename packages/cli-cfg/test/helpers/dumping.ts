import { setImmediate } from "node:timers/promises";
import type { Ended, PinnedTables, TestEnv } from "@sluice/cli-kit/testing";
import { tryLock } from "@sluice/maps";
import { type Direction, directionIndex, outcomes } from "@sluice/maps/tables";
import { cli } from "../../src/cli.js";

export interface Snapshot {
	data: Buffer;
	direction?: Direction;
	/** After the action. */
	outcome?: (typeof outcomes)[number];
}

/** Bytes of `struct __sk_buff`. */
export const SKB_SIZE = 192;

/** Puts packets into the ring as the tunnel programs do: run on them as on packets of `lo`. */
export function writeEvents(
	tables: PinnedTables,
	snapshots: readonly Snapshot[],
): void {
	const program = tables.object.program("snapshot");
	for (const { data, direction = "ingress", outcome } of snapshots) {
		const stage = outcome === undefined ? 0 : 1;
		const number = outcome === undefined ? 0 : outcomes.indexOf(outcome);
		const skb = Buffer.alloc(SKB_SIZE);
		skb.writeUInt32LE(
			(directionIndex(direction) << 24) | (stage << 16) | number,
			8,
		); // mark
		skb.writeUInt32LE(9, 32); // priority: the event's id
		skb.writeUInt32LE(1, 40); // ifindex
		program.testRun({ data, context: skb });
	}
}

/** Starts a dump, and calls `then` once it reads. */
export async function dumping(
	tables: PinnedTables,
	line: string | readonly string[],
	then: () => void | Promise<void>,
	env: TestEnv = {},
): Promise<Ended> {
	const ended = tables.run(cli, line, env);
	// The lock is taken right before reading begins.
	for (;;) {
		const release = tryLock(`${tables.bpffs}/tc`);
		if (!release) break;
		release();
		await setImmediate();
	}
	await then();
	return ended;
}
