import { isIPv4 } from "node:net";
import { Address } from "@sluice/maps/address";
import type { Protocol } from "@sluice/maps/tables";

export interface Packet {
	protocol: Protocol;
	address: string;
	port: number;
}

/** `struct bpf_sk_lookup` for a packet, as BPF_PROG_TEST_RUN takes it. */
export function lookupContext({ protocol, address, port }: Packet): Buffer {
	const context = Buffer.alloc(72);
	const v4 = isIPv4(address);
	context.writeUInt32LE(v4 ? 2 : 10, 8);
	context.writeUInt32LE(protocol === "tcp" ? 6 : 17, 12);
	if (v4) context.set(address.split(".").map(Number), 40);
	else Address.of(address).write(context, 44);
	context.writeUInt32LE(port, 60);
	return context;
}

/** Cookie of the socket that was selected; 0: none. */
export const selected = (context: Buffer) => context.readBigUInt64LE(0);
