import {
	address,
	type Codec,
	perCpu,
	struct,
	u32,
	u64,
	type ValueOf,
} from "../codec.js";
import { perCpuArray, type Table } from "../table.js";
import { noEntries } from "./event.js";
import { sid } from "./service.js";

/** What stands before the bytes of a dropped packet. Mirrors `struct drop` in `bpf/monitor/drop.h`. */
export const dropHeader = struct(56, {
	/** Nanoseconds since boot (CLOCK_BOOTTIME). */
	time: [0, u64],
	/** 0: not known. */
	ifindex: [8, u32],
	/** `enum outcome`, or the kernel's `enum skb_drop_reason`: see `flags`. */
	reason: [12, u32],
	/** `dropFlags` */
	flags: [16, u32],
	tunnel: [20, u32],
	sid: [24, sid],
	/** Of the packet, from its IP header on. */
	length: [28, u32],
	/** Bytes of it that follow. */
	captured: [32, u32],
	client: [40, address],
});

/** `enum drop_flag`. */
export const dropFlags = {
	byKernel: 1,
	egress: 2,
	hasService: 4,
	hasClient: 8,
	hasTunnel: 16,
} as const;

/** A dropped packet: its header, and its bytes from the IP header on. */
export interface DropEvent extends ValueOf<typeof dropHeader> {
	data: Buffer;
}

export function readDrop(bytes: Buffer): DropEvent {
	const header = dropHeader.read(bytes, 0);
	const { size } = dropHeader;
	return { ...header, data: bytes.subarray(size, size + header.captured) };
}

/** What the monitor's programs are loaded with. Mirrors `struct settings` in `bpf/monitor/drop.h`. */
export type DropSettings = ValueOf<typeof dropSettings>;

/** Of the kernel, that a filter can name: 0 to 255. */
const KERNEL_REASONS = 256;

/** A bit for each number, 64 a word. */
const bitmap = (bits: number): Codec<ReadonlySet<number>> => ({
	size: bits / 8,
	read(bytes, at) {
		const set = new Set<number>();
		for (let i = 0; i < bits; i++)
			if ((bytes[at + (i >> 3)] as number) & (1 << (i & 7))) set.add(i);
		return set;
	},
	write(bytes, at, set) {
		bytes.fill(0, at, at + bits / 8);
		for (const i of set)
			if (i < bits)
				bytes[at + (i >> 3)] =
					(bytes[at + (i >> 3)] as number) | (1 << (i & 7));
	},
});

export const dropSettings = struct(80, {
	/** Inode of the network namespace that is watched. */
	netns: [0, u32],
	/** `dropFilters` */
	filters: [4, u32],
	tunnel: [8, u32],
	sid: [12, sid],
	/** Packets per second and CPU; 0: no limit. */
	rate: [16, u32],
	/** Of the filter: 1 egress, 0 ingress. */
	egress: [20, u32],
	client: [24, address],
	outcomes: [40, bitmap(64)],
	reasons: [48, bitmap(KERNEL_REASONS)],
});

/** `enum filter_flag`: which fields of the settings a packet has to have. */
export const dropFilters = {
	service: 1,
	tunnel: 2,
	client: 4,
	direction: 8,
	reason: 16,
} as const;

/** Row → dropped packets that were not reported, for each CPU: 0 above the rate, 1 no room in the ring buffer. */
export const dropsMissedTable = perCpuArray("drops_missed", u32, perCpu(u64));

/** Opened for its descriptor, which `openRing` reads. */
export const dropsTable: Table<never, never> = {
	name: "drops",
	type: "ringbuf",
	flags: 0,
	key: noEntries,
	value: noEntries,
};
