import { type Binding, bindingWords } from "../binding/binding.js";
import type { DestinationStatus } from "../state/status.js";
import { alignedRight } from "./tabwriter.js";

/** The table of bindings. Scripts rely on its columns. */
export const bindingRows = (bindings: readonly Binding[]) =>
	alignedRight([
		["protocol", "prefix", "port", "label"],
		...bindings.map((one) => {
			const [label = "", ...match] = bindingWords(one);
			return [...match, label];
		}),
	]);

/** The table of destinations. Scripts rely on its columns. */
export const destinationRows = (
	destinations: readonly DestinationStatus[],
	cookieText: (cookie: bigint | undefined) => string,
) =>
	alignedRight([
		["label", "domain", "protocol", "socket", "lookups", "misses", "errors"],
		...destinations.map((one) => [
			one.label,
			one.domain,
			one.protocol,
			cookieText(one.socket),
			one.lookups,
			one.misses,
			one.errorsBadSocket,
		]),
	]);
