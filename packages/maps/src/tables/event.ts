import {
	type Codec,
	perCpu,
	struct,
	u8,
	u16,
	u32,
	u64,
	type ValueOf,
} from "../codec.js";
import { perCpuArray, type Table } from "../table.js";
import { direction8 } from "./config-flags.js";
import { type Outcome, outcomes } from "./stats.js";

/**
 * What stands before a packet's bytes in the ring buffer of DUMP. Mirrors `struct event` in `bpf/tunnel/event.h`.
 */
type EventHeader = ValueOf<typeof eventHeader>;

export const eventHeader = struct(40, {
	/** Nanoseconds since boot (CLOCK_BOOTTIME). */
	time: [0, u64],
	/** The same in both snapshots of one packet. */
	id: [8, u64],
	ifindex: [16, u32],
	/** The id of the row of TABLE-CONFIG. */
	config: [20, u32],
	/** Of the packet, from its Ethernet header on. */
	length: [24, u32],
	/** Bytes of it that follow. */
	captured: [28, u32],
	direction: [32, direction8],
	stage: [33, u8],
	outcome: [34, u16],
	/** 1: the packet has no link-layer header and begins with IP. */
	raw: [36, u32],
});

/** One packet, before or after the action. */
export interface PacketEvent
	extends Omit<EventHeader, "captured" | "stage" | "outcome" | "raw"> {
	/** It has no link-layer header: `data` begins with IP. */
	raw: boolean;
	stage: "before" | "after";
	/** Undefined before the action; a number that has no name here is text. */
	outcome: Outcome | `outcome-${number}` | undefined;
	/** From its Ethernet header on, cut to what an event holds. */
	data: Buffer;
}

export function readEvent(bytes: Buffer): PacketEvent {
	const { captured, stage, outcome, raw, ...rest } = eventHeader.read(bytes, 0);
	return {
		...rest,
		raw: raw === 1,
		stage: stage === 0 ? "before" : "after",
		outcome:
			stage === 0 ? undefined : (outcomes[outcome] ?? `outcome-${outcome}`),
		data: bytes.subarray(eventHeader.size, eventHeader.size + captured),
	};
}

/** A ring buffer has neither keys nor values. */
export const noEntries: Codec<never> = {
	size: 0,
	read: () => {
		throw new TypeError("a ring buffer has no entries");
	},
	write: () => {},
};

/** Packets of interfaces whose row says DUMP: opened for its descriptor, which `openRing` reads. */
export const eventsTable: Table<never, never> = {
	name: "map_events",
	type: "ringbuf",
	flags: 0,
	key: noEntries,
	value: noEntries,
};

/** Row 0 → events that found no room, for each CPU. */
export const eventsLostTable = perCpuArray("map_events_lost", u32, perCpu(u64));
