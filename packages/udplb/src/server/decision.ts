import { endpointText } from "@sluice/maps/address";
import { lbEvent, lbOutcomes } from "@sluice/maps/tables";
import type { Log } from "./log.js";

/** Prints one event of the ring buffer. */
export function tellDecision(log: Log, event: Buffer): void {
	const { src, dst, upstream, ...rest } = lbEvent.read(event, 0);
	const outcome = lbOutcomes[rest.outcome] ?? `outcome ${rest.outcome}`;
	// A later fragment has no ports.
	const from = rest.srcPort ? endpointText(src, rest.srcPort) : String(src);
	const key = rest.srcPort ? endpointText(dst, rest.dstPort) : String(dst);
	const to = endpointText(upstream, rest.upstreamPort);
	log.decision(
		() => `${from} -> ${key}: ${outcome}, ${to}, ${rest.length} bytes`,
		() => ({
			time: rest.time,
			source: from,
			key,
			upstream: to,
			outcome,
			length: rest.length,
			fragment: rest.srcPort === 0,
		}),
	);
}
