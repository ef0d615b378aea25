import { checksum } from "./checksum.js";
import type { TunnelTables } from "./programs.js";
import {
	anotherBench,
	type Bench,
	type PacketContext,
	packetBench,
} from "./run-packet.js";

/** A gateway on the normal path and one on the fast path, otherwise alike. */
export interface BothPaths {
	normal: Bench;
	fast: Bench;
	/** Changes the tables of both. */
	change(write: (tables: TunnelTables, bench: Bench) => void): void;
	/**
	 * Sends a packet to both. Returns whether it took the fast path.
	 *
	 * On the fast path ingress must leave what ingress, a hop and egress leave on the normal one; where it does not take that
	 * path it must do what the normal one does.
	 *
	 * @throws Error the two differ
	 */
	send(packet: Buffer, context?: PacketContext): boolean;
}

const OK = 0;
const SHOT = 2;
const REDIRECT = 7;

export function bothPaths(): BothPaths {
	const normal = packetBench();
	const fast = anotherBench();
	return {
		normal,
		fast,
		change(write) {
			for (const bench of [normal, fast]) write(bench.tables, bench);
		},
		send(data, about = {}) {
			const context = normal.context(about);
			const wanted = normal.ingress.testRun({ data, context });
			const got = fast.ingress.testRun({ data, context });
			const taken = got.verdict !== wanted.verdict;
			let { verdict } = wanted;
			let left = wanted.data;
			if (taken && verdict === OK) {
				const out = normal.egress.testRun({ data: hop(left), context });
				// Sent by name of the next hop, or to where the frame goes already.
				verdict = out.verdict === OK ? REDIRECT : out.verdict;
				left = out.data;
			}
			const same = verdict === SHOT || left.equals(got.data);
			if (verdict !== got.verdict || !same)
				throw new Error(
					`normal path: ${verdict} ${hex(left)}, fast path: ${got.verdict} ${hex(got.data)}, of ${hex(data)}`,
				);
			return taken;
		},
	};
}

const hex = (bytes: Buffer) => bytes.toString("hex");

/** What a router does to a frame that it forwards, but for its Ethernet addresses. */
function hop(frame: Buffer): Buffer {
	const routed = Buffer.from(frame);
	if (frame.readUInt16BE(12) === 0x86dd) {
		routed.writeUInt8(frame.readUInt8(21) - 1, 21);
		return routed;
	}
	routed.writeUInt8(frame.readUInt8(22) - 1, 22);
	routed.writeUInt16BE(0, 24);
	routed.writeUInt16BE(checksum(routed.subarray(14, 34)), 24);
	return routed;
}
