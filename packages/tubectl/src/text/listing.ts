import { type Binding, bindingWords } from "../binding/binding.js";
import type { DestinationStatus } from "../state/status.js";
import { alignedRight } from "./tabwriter.js";

/** The table of bindings. Scripts rely on its columns. */
export const bindingRows = (bindings: Iterable<Binding>) =>
	alignedRight((row) => {
		row(["protocol", "prefix", "port", "label"]);
		for (const one of bindings) {
			const [label, ...match] = bindingWords(one);
			row([...match, label]);
		}
	});

/** The table of destinations. Scripts rely on its columns. */
export const destinationRows = (
	destinations: readonly DestinationStatus[],
	cookieText: (cookie: bigint | undefined) => string,
) =>
	alignedRight((row) => {
		row([
			...["label", "domain", "protocol", "socket"],
			...["lookups", "misses", "errors"],
		]);
		for (const one of destinations)
			row([
				one.label,
				one.domain,
				one.protocol,
				cookieText(one.socket),
				String(one.lookups),
				String(one.misses),
				String(one.errorsBadSocket),
			]);
	});
