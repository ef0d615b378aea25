import { Address } from "@sluice/maps/address";
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
	const address = Address.parse(text);
	return address?.toString() ?? text.toLowerCase().replace(/\.$/, "");
}
