import { address } from "@sluice/maps/codec";
import type { Protocol } from "@sluice/maps/tables";
import type { Binding } from "../values/binding.js";
import type { Prefix } from "../values/prefix.js";

/** What bindings are asked for; undefined and port 0 ask for any. */
export interface Filter {
	protocol: Protocol | undefined;
	prefix: Prefix | undefined;
	port: number;
}

export const matches = (binding: Binding, filter: Filter): boolean =>
	(!filter.protocol || binding.protocol === filter.protocol) &&
	(!filter.prefix || overlap(binding.prefix, filter.prefix)) &&
	(filter.port === 0 || binding.port === 0 || binding.port === filter.port);

/** Whether one of two subnets lies in the other. */
export function overlap(a: Prefix, b: Prefix): boolean {
	if (a.domain !== b.domain) return false;
	const shared = Math.min(a.length, b.length);
	const bits = BigInt((a.domain === "ipv4" ? 32 : 128) - shared);
	return numberOf(a.address) >> bits === numberOf(b.address) >> bits;
}

const buffer = Buffer.alloc(address.size);

function numberOf(text: string): bigint {
	address.write(buffer, 0, text);
	return (buffer.readBigUInt64BE(0) << 64n) | buffer.readBigUInt64BE(8);
}
