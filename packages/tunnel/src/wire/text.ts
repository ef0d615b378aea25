import { endpointText } from "@sluice/maps/address";
import type { Decoded, IpLayer, Layer } from "./decode.js";

/** "10.0.0.1:6080 > 10.0.0.2:6080 udp | gue data 1 2 | 5.5.5.5:3100 > 1.1.1.1:4000 tcp S 0 bytes" */
export function packetText({ layers, cut }: Decoded): string {
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

/** An IP header with its payload, as one part. */
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
			return `udp ${inBytes(layer.length - 8)}`;
		case "tcp":
			return `tcp ${layer.flags || "none"} ${inBytes(layer.payload)}${layer.mss === undefined ? "" : ` mss ${layer.mss}`}`;
		case "icmp":
		case "icmpv6":
			return `${layer.layer} ${layer.type}/${layer.code}${layer.mtu === undefined ? "" : ` mtu ${layer.mtu}`}`;
		case "gue":
			return [
				layer.control ? `gue ${layer.control}` : "gue",
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

const inBytes = (bytes: number) => `${bytes} bytes`;
