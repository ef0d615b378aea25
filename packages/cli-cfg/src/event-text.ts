import { endpointText } from "@sluice/cli-kit";
import type { PacketEvent } from "@sluice/maps/tables";
import { type Decoded, decode, type IpLayer, type Layer } from "./packet.js";

// Events of the ring buffer in words. Prefix, tabs and field order stay as they are: scripts rely on them.

/** What an event's own numbers mean outside. */
export interface Place {
	/** Undefined: gone meanwhile. */
	interface: string | undefined;
	/** Nanoseconds since 1970. */
	time: bigint;
}

export function eventLine(event: PacketEvent, place: Place): string {
	return [
		"PKT",
		clock(place.time),
		place.interface ?? `if${event.ifindex}`,
		event.queue === 0 ? "Ingress" : "Egress",
		event.stage,
		event.outcome ?? "-",
		event.length,
		summary(decode(event.data)),
	].join("\t");
}

export function eventDocument(event: PacketEvent, place: Place) {
	const { layers, cut } = decode(event.data);
	return {
		time: isoTime(place.time),
		id: String(event.id),
		interface: place.interface ?? null,
		ifindex: event.ifindex,
		direction: event.queue === 0 ? "ingress" : "egress",
		config: event.config,
		stage: event.stage,
		outcome: event.outcome ?? null,
		length: event.length,
		captured: event.data.length,
		layers,
		cut,
	};
}

const MICROSECOND = 1000n;
const MILLISECOND = 1_000_000n;

/** Local time of day with microseconds, "13:37:00.000123". */
function clock(time: bigint): string {
	const date = new Date(Number(time / MILLISECOND));
	const [hours, minutes, seconds] = [
		date.getHours(),
		date.getMinutes(),
		date.getSeconds(),
	].map((part) => String(part).padStart(2, "0"));
	return `${hours}:${minutes}:${seconds}.${microseconds(time)}`;
}

/** "2026-11-21T13:37:00.000123Z" */
const isoTime = (time: bigint) =>
	new Date(Number(time / MILLISECOND))
		.toISOString()
		.replace(/\.\d+Z$/, `.${microseconds(time)}Z`);

const microseconds = (time: bigint) =>
	String((time / MICROSECOND) % 1_000_000n).padStart(6, "0");

/** "10.0.0.1:6080 > 10.0.0.2:6080 udp | gue data 1 2 | 5.5.5.5:3100 > 1.1.1.1:4000 tcp S 0 bytes" */
export function summary({ layers, cut }: Decoded): string {
	const parts: string[] = [];
	for (let i = 0; i < layers.length; i++) {
		const layer = layers[i] as Layer;
		if (layer.layer === "ipv4" || layer.layer === "ipv6") {
			parts.push(flow(layer, layers[i + 1]));
			if (isTransport(layers[i + 1])) i++;
		} else parts.push(words(layer));
	}
	if (cut) parts.push("cut");
	return parts.join(" | ");
}

const isTransport = (layer: Layer | undefined) =>
	layer?.layer === "udp" ||
	layer?.layer === "tcp" ||
	layer?.layer === "icmp" ||
	layer?.layer === "icmpv6";

/** An IP header and what it carries, in one part. */
function flow(ip: IpLayer, next: Layer | undefined): string {
	const { source, destination, fragment } = ip;
	const ends =
		next?.layer === "udp" || next?.layer === "tcp"
			? `${endpointText(source, next.sourcePort)} > ${endpointText(destination, next.destinationPort)}`
			: `${source} > ${destination}`;
	return [
		ends,
		...(next && isTransport(next) ? [words(next)] : []),
		...(fragment
			? [
					`fragment ${fragment.id}@${fragment.offset}${fragment.more ? "+" : ""}`,
				]
			: []),
	].join(" ");
}

function words(layer: Layer): string {
	switch (layer.layer) {
		case "udp":
			return `udp ${counted(layer.length - 8)}`;
		case "tcp":
			return `tcp ${layer.flags || "none"} ${counted(layer.payload)}`;
		case "icmp":
		case "icmpv6":
			return `${layer.layer} ${layer.type}/${layer.code}`;
		case "gue":
			return [
				layer.control ? "gue ping" : "gue",
				...(layer.service === undefined
					? []
					: [`service ${layer.service} ${layer.group}`]),
				...(layer.tunnel === undefined ? [] : [`tunnel ${layer.tunnel}`]),
			].join(" ");
		case "other":
			return layer.what;
		default:
			return layer.layer;
	}
}

const counted = (bytes: number) => `${bytes} bytes`;
