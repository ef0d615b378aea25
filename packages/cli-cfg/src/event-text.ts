import { clock, isoTime } from "@sluice/capture";
import type { PacketEvent } from "@sluice/maps/tables";
import { decode, framed, packetText } from "@sluice/tunnel/wire";

// Events of the ring buffer in words. Prefix, tabs and field order stay as they are: scripts rely on them.

/** What an event's own numbers mean outside. */
export interface EventOrigin {
	/** Undefined: deleted in the meantime. */
	interface: string | undefined;
	/** Nanoseconds since 1970. */
	time: bigint;
}

export function eventLine(event: PacketEvent, origin: EventOrigin): string {
	return [
		"PKT",
		clock(origin.time),
		origin.interface ?? `if${event.ifindex}`,
		event.direction === "ingress" ? "Ingress" : "Egress",
		event.stage,
		event.outcome ?? "-",
		event.length,
		packetText(decode(frameOf(event))),
	].join("\t");
}

export function eventDocument(event: PacketEvent, origin: EventOrigin) {
	const { layers, cut } = decode(frameOf(event));
	return {
		time: isoTime(origin.time),
		id: String(event.id),
		interface: origin.interface ?? null,
		ifindex: event.ifindex,
		direction: event.direction,
		config: event.config,
		stage: event.stage,
		outcome: event.outcome ?? null,
		length: event.length,
		captured: event.data.length,
		layers,
		cut,
	};
}

/** A packet without a link-layer header is decoded behind one that is made up. */
export const frameOf = ({ data, raw }: PacketEvent) =>
	raw ? framed(data) : data;
