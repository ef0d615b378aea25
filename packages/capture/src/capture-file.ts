import { privateFile, writeAll } from "@sluice/cli-kit";
import type { Direction } from "@sluice/maps/tables";
import {
	enhancedPacket,
	interfaceDescription,
	sectionHeader,
} from "./pcapng.js";

const STDOUT = 1;

/** A packet that is to be captured. */
export interface CapturedPacket {
	ifindex: number;
	/** Name of the interface; undefined: deleted in the meantime. */
	interface: string | undefined;
	/** It has no link-layer header: `data` begins with IP. */
	raw: boolean;
	/** Nanoseconds since 1970. */
	time: bigint;
	direction: Direction;
	/** Original length; `data` may be truncated. */
	length: number;
	data: Buffer;
	/** Packets with the same number are one packet, seen twice. */
	id: bigint;
	comment: string;
}

/** A capture that is being written: each packet is in the file when `add` returns. */
export interface CaptureFile {
	add(packet: CapturedPacket): void;
	close(): void;
}

/**
 * Begins a capture.
 *
 * @param file "-" for stdout
 * @param snapshot bytes captured of a packet
 * @throws Failure failed
 */
export function captureFile(
	file: string,
	application: string,
	snapshot: number,
): CaptureFile {
	// Packets are as secret as their payload.
	const own = file === "-" ? undefined : privateFile(file);
	// At once: others may read it while it grows.
	own?.place();
	const fd = own?.fd ?? STDOUT;
	/** By index in the kernel: its number here. */
	const interfaces = new Map<number, number>();
	writeAll(fd, sectionHeader(application));

	function numberOf({ ifindex, interface: name, raw }: CapturedPacket): number {
		let number = interfaces.get(ifindex);
		if (number === undefined) {
			number = interfaces.size;
			interfaces.set(ifindex, number);
			writeAll(
				fd,
				interfaceDescription(
					name ?? `if${ifindex}`,
					snapshot,
					raw ? "raw" : "ethernet",
				),
			);
		}
		return number;
	}

	return {
		add: (packet) =>
			writeAll(fd, enhancedPacket({ ...packet, interface: numberOf(packet) })),
		close() {
			own?.close();
		},
	};
}
