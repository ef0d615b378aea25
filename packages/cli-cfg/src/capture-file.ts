import { closeSync, openSync } from "node:fs";
import { Failure, writeAll } from "@sluice/cli-kit";
import type { PacketEvent } from "@sluice/maps/tables";
import type { Place } from "./event-text.js";
import {
	enhancedPacket,
	interfaceDescription,
	sectionHeader,
} from "./pcapng.js";

const STDOUT = 1;
/** `SNAPSHOT` of bpf/tunnel/event.h. */
const SNAPSHOT = 2048;

/** A capture that is being written: each packet is in the file when `add` returns. */
export interface CaptureFile {
	add(event: PacketEvent, place: Place): void;
	close(): void;
}

/** Begins a capture. @param file "-" for stdout @throws Failure failed */
export function captureFile(file: string, application: string): CaptureFile {
	const fd = file === "-" ? STDOUT : create(file);
	/** By index in the kernel: its number here. */
	const interfaces = new Map<number, number>();
	writeAll(fd, sectionHeader(application));

	function numberOf(ifindex: number, name: string, raw: boolean): number {
		let number = interfaces.get(ifindex);
		if (number === undefined) {
			number = interfaces.size;
			interfaces.set(ifindex, number);
			writeAll(
				fd,
				interfaceDescription(name, SNAPSHOT, raw ? "raw" : "ethernet"),
			);
		}
		return number;
	}

	return {
		add({ ifindex, queue, length, data, id, stage, outcome, raw }, place) {
			const name = place.interface ?? `if${ifindex}`;
			writeAll(
				fd,
				enhancedPacket({
					interface: numberOf(ifindex, name, raw),
					time: place.time,
					direction: queue === 0 ? "ingress" : "egress",
					length,
					data,
					id,
					comment: outcome === undefined ? stage : `${stage}: ${outcome}`,
				}),
			);
		},
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
