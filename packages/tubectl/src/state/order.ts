import type { BindingKey } from "@sluice/maps/tables";
import type { Binding } from "../values/binding.js";
import { keyOf } from "./binding-key.js";

/**
 * The order of the listing, which is the data plane's: of two bindings that match a packet, the one that gets it
 * comes first. Longer prefixes come first, and on the same prefix a port comes before every port.
 */
export function inOrder(bindings: readonly Binding[]): Binding[] {
	return bindings
		.map((binding) => ({ binding, key: keyOf(binding) }))
		.sort((a, b) => compareKeys(a.key, b.key))
		.map(({ binding }) => binding);
}

function compareKeys(a: BindingKey, b: BindingKey): number {
	return (
		a.protocol - b.protocol ||
		b.prefixlen - a.prefixlen ||
		compareAddresses(a.addr, b.addr) ||
		everyPortLast(a.port) - everyPortLast(b.port)
	);
}

const everyPortLast = (port: number) => (port === 0 ? 65_536 : port);

/** IPv4 before IPv6, and each by number as far as text goes: any fixed order would do. */
function compareAddresses(a: string, b: string): number {
	const family = Number(a.includes(":")) - Number(b.includes(":"));
	return family || (a === b ? 0 : collator.compare(a, b));
}

const collator = new Intl.Collator("en", { numeric: true });
