import { closeSync, openSync } from "node:fs";
import { Failure, writeAll } from "@sluice/cli-kit";
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
	/** Name of the interface; undefined: gone meanwhile. */
	interface: string | undefined;
	/** It has no link-layer header: `data` begins with IP. */
	raw: boolean;
	/** Nanoseconds since 1970. */
	time: bigint;
	direction: Direction;
	/** Bytes that it had; `data` may be cut. */
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
 * @param snapshot bytes of a packet that are kept
 * @throws Failure failed
 */
export function captureFile(
	file: string,
	application: string,
	snapshot: number,
): CaptureFile {
	const fd = file === "-" ? STDOUT : create(file);
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
			if (fd !== STDOUT) closeSync(fd);
		},
	};
}

function create(file: string): number {
	try {
		// Packets are as secret as what they carry.
		return openSync(file, "w", 0o600);
	} catch (cause) {
		const { code = "EIO" } = cause as NodeJS.ErrnoException;
		throw new Failure("failed", `write ${file}: ${causes[code] ?? code}`, {
			code,
			cause,
		});
	}
}

const causes: Record<string, string> = {
	EACCES: "not permitted (EACCES)",
	EISDIR: "it is a directory (EISDIR)",
	ENOENT: "no such directory (ENOENT)",
};
