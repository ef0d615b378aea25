import type { Protocol } from "@sluice/maps/tables";
import {
	type Binding,
	destinationOf,
	inOrder,
	keyBits,
	keyOf,
	unpacked,
} from "../binding/binding.js";
import { type Prefix, subnetOf } from "../binding/prefix.js";
import { labelsById } from "./bindings.js";
import type { Tables } from "./tables.js";

/** Where a packet to an endpoint would go. */
export interface Answer {
	/** Every binding that matches the packet, the one that gets it first. */
	matches: Binding[];
	/** Cookie of the socket that the first one's destination has. */
	socket: bigint | undefined;
}

/** Does the lookups of the dispatcher, and records the bindings that it does not use. */
export function who(
	tables: Tables,
	protocol: Protocol,
	host: Prefix,
	port: number,
): Answer {
	const matches = inOrder([
		...along(tables, protocol, host, port),
		...(port === 0 ? [] : along(tables, protocol, host, 0)),
	]);
	const [winner] = matches;
	if (!winner) return { matches, socket: undefined };
	const value = tables.destinations.get(destinationOf(winner));
	return {
		matches,
		socket: (value && tables.sockets.get(value.id)) || undefined,
	};
}

/** The bindings of one port whose prefix contains the address, by one lookup in the trie for each. */
function along(
	{ bindings, destinations }: Tables,
	protocol: Protocol,
	host: Prefix,
	port: number,
): Binding[] {
	const labels = labelsById(destinations);
	const found: Binding[] = [];
	const outside = keyBits({ ...host, length: 0 });
	for (let { length } = host; length >= 0; length--) {
		const prefix = subnetOf(host, length);
		const value = bindings.get(unpacked(keyOf({ protocol, port, prefix })));
		// A short prefix of IPv6 spans IPv4 in the trie, but is not for it.
		if (!value || value.prefixlen < outside) break;
		length = value.prefixlen - outside;
		const label = labels.get(value.id)?.label ?? "?";
		const key = keyOf({ protocol, prefix: subnetOf(host, length), port });
		found.push({ label, key });
	}
	return found;
}
