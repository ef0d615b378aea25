import { clock, isoTime } from "@sluice/capture";
import { decode, framed, packetText } from "@sluice/tunnel/wire";
import type { Drop } from "./monitor.js";

// Lines that scripts depend on: prefix, tabs and order of fields are stable; "-" is unknown.

export const dropLine = (drop: Drop): string =>
	[
		"DROP",
		clock(drop.time),
		drop.interface ?? "-",
		drop.direction === "ingress" ? "Ingress" : "Egress",
		drop.by,
		drop.reason,
		drop.service ? `${drop.service.service} ${drop.service.group}` : "-",
		drop.tunnel ?? "-",
		drop.client ?? "-",
		drop.length,
		packetText(decode(framed(drop.data))),
	].join("\t");

export function dropDocument(drop: Drop) {
	const { layers, cut } = decode(framed(drop.data));
	return {
		time: isoTime(drop.time),
		interface: drop.interface ?? null,
		ifindex: drop.ifindex,
		direction: drop.direction,
		by: drop.by,
		reason: drop.reason,
		service: drop.service?.service ?? null,
		group: drop.service?.group ?? null,
		tunnel: drop.tunnel ?? null,
		client: drop.client ?? null,
		length: drop.length,
		captured: drop.data.length,
		layers,
		cut,
	};
}
