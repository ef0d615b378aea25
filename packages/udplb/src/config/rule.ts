import { isIPv4, isIPv6 } from "node:net";
import { address as addressCodec } from "@sluice/maps/codec";
import type { Action, Strategy } from "./schema.js";

/** Where a packet may be sent. */
export interface Upstream {
	/** As written: an address, or a host name that is still to be resolved. */
	host: string;
	port: number;
	weight: number;
}

/** What happens to the packets to one address and port. */
export interface Rule {
	address: string;
	port: number;
	action: Action;
	strategy: Strategy;
	upstreams: Upstream[];
}

/** An address in the form in which it is printed; a name in lower case, without the root's dot. */
export function canonical(text: string): string {
	if (isIPv4(text)) return text;
	if (!isIPv6(text)) return text.toLowerCase().replace(/\.$/, "");
	const bytes = Buffer.alloc(addressCodec.size);
	addressCodec.write(bytes, 0, text);
	return addressCodec.read(bytes, 0);
}
