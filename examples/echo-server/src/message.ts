import koffi from "koffi";
import { recvmsg, sendmsg } from "./libc.js";

/** A datagram with what came beside it: `struct msghdr` and the memory that it points to. */
export class Message {
	/** Where the datagram comes from, or goes to: `struct sockaddr_storage`. */
	readonly peer = Buffer.alloc(128);
	readonly #data = Buffer.alloc(65_536);
	/** Room for control messages, `struct cmsghdr` and what follows each. */
	readonly #control = Buffer.alloc(256);
	readonly #vector = Buffer.alloc(16);
	readonly #header = Buffer.alloc(56);

	constructor() {
		this.#header.writeBigUInt64LE(koffi.address(this.peer), 0);
		this.#header.writeBigUInt64LE(koffi.address(this.#vector), 16);
		this.#header.writeBigUInt64LE(1n, 24);
		this.#header.writeBigUInt64LE(koffi.address(this.#control), 32);
		this.#vector.writeBigUInt64LE(koffi.address(this.#data), 0);
	}

	/** Receives one without waiting. Returns its length, -1 if there is none. */
	receive(fd: number): number {
		this.#header.writeUInt32LE(this.peer.length, 8);
		this.#header.writeBigUInt64LE(BigInt(this.#control.length), 40);
		this.#vector.writeBigUInt64LE(BigInt(this.#data.length), 8);
		return Number(recvmsg(fd, this.#header, MSG_DONTWAIT));
	}

	/** The control message of a level and type, if it came. */
	control(level: number, type: number): Buffer | undefined {
		const end = Number(this.#header.readBigUInt64LE(40));
		for (let at = 0; at + HEADER <= end; ) {
			const length = Number(this.#control.readBigUInt64LE(at));
			if (
				this.#control.readInt32LE(at + 8) === level &&
				this.#control.readInt32LE(at + 12) === type
			)
				return this.#control.subarray(at + HEADER, at + length);
			at += align(length);
		}
		return undefined;
	}

	/** Sends the first `length` bytes of what was received back to the peer, with one control message. */
	reply(
		fd: number,
		length: number,
		level: number,
		type: number,
		content: Buffer,
	): number {
		this.#control.fill(0);
		this.#control.writeBigUInt64LE(BigInt(HEADER + content.length), 0);
		this.#control.writeInt32LE(level, 8);
		this.#control.writeInt32LE(type, 12);
		content.copy(this.#control, HEADER);
		this.#header.writeBigUInt64LE(BigInt(align(HEADER + content.length)), 40);
		this.#vector.writeBigUInt64LE(BigInt(length), 8);
		return Number(sendmsg(fd, this.#header, MSG_DONTWAIT));
	}
}

const MSG_DONTWAIT = 0x40;
/** Bytes of a `struct cmsghdr`. */
const HEADER = 16;
const align = (length: number) => Math.ceil(length / 8) * 8;
