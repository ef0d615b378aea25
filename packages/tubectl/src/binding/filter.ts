import type { Protocol } from "@sluice/maps/tables";
import { matchOf } from "./binding.js";
import { type Prefix, subnetOf } from "./prefix.js";

/** Selects bindings; undefined and port 0 match any. */
export interface Filter {
	protocol: Protocol | undefined;
	prefix: Prefix | undefined;
	port: number;
}

export function matches(key: string, filter: Filter): boolean {
	if (!filter.protocol && !filter.prefix && filter.port === 0) return true;
	const { protocol, prefix, port } = matchOf(key);
	return (
		(!filter.protocol || protocol === filter.protocol) &&
		(!filter.prefix || overlap(prefix, filter.prefix)) &&
		(filter.port === 0 || port === 0 || port === filter.port)
	);
}

/** Whether one of two subnets lies in the other. */
function overlap(a: Prefix, b: Prefix): boolean {
	if (a.domain !== b.domain) return false;
	const shared = Math.min(a.length, b.length);
	return subnetOf(a, shared).address === subnetOf(b, shared).address;
}
