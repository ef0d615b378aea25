import { Address } from "@sluice/maps/address";
import { prefix } from "../../src/binding/prefix.js";
import type { Packet } from "./lookup.js";

/** A binding as `bindings --json` lists it. */
export interface Listed {
	label: string;
	protocol: string;
	prefix: string;
	port: number;
}

/** Whether a packet is what a binding is for, by the words of the manual alone. */
export function isFor(binding: Listed, packet: Packet): boolean {
	const { domain, address, length } = prefix("prefix", binding.prefix);
	const bits = domain === "ipv4" ? 32 : 128;
	if (packet.address.includes(":") !== (domain === "ipv6")) return false;
	const shift = BigInt(bits - length);
	return (
		binding.protocol === packet.protocol &&
		(binding.port === 0 || binding.port === packet.port) &&
		numberOf(Buffer.from(address, "latin1")) >> shift ===
			numberOf(bytesOf(packet.address)) >> shift
	);
}

/** The binding that gets a packet: the longest prefix, and on the same prefix a port before every port. */
export const winner = (bindings: readonly Listed[], packet: Packet) =>
	bindings
		.filter((one) => isFor(one, packet))
		.sort((a, b) => lengthOf(b) - lengthOf(a) || b.port - a.port)[0];

const lengthOf = (binding: Listed) => Number(binding.prefix.split("/")[1]);

function bytesOf(text: string): Buffer {
	const bytes = Buffer.alloc(16);
	Address.of(text).write(bytes, 0);
	return bytes;
}

const numberOf = (bytes: Buffer) => BigInt(`0x${bytes.toString("hex")}`);
