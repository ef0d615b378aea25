import { endpointText } from "@sluice/maps/address";
import { type Endpoint, protocolName, type Tunnel } from "@sluice/maps/tables";
import { UNKNOWN } from "@sluice/tunnel";

// Lines that scripts rely on: prefix, tabs and field order stay as they are.

export function tunnelLine(id: number, tunnel: Tunnel): string {
	const { local, localPort } = tunnel;
	const from = endpointText(local, localPort);
	return `TUN\t${String(id).padStart(8)}\t${from.padStart(16)} -> ${remoteText(tunnel)}`;
}

export const remoteText = ({ remote, remotePort }: Tunnel) =>
	remote === UNKNOWN ? "0.0.0.0:0" : endpointText(remote, remotePort);

export const decapLine = (endpoint: Endpoint, references: number) =>
	`DECAP\t${protocolName(endpoint.proto)}\t${endpointText(endpoint.address, endpoint.port)}\t${references}`;

export interface TunnelDocument {
	id: number;
	local: { address: string; port: number };
	/** null until the far end is known. */
	remote: { address: string; port: number } | null;
	/**
	 * Nanoseconds since boot (CLOCK_BOOTTIME), exact for 104 days, then to the microsecond; null: no ping yet.
	 */
	lastPing: number | null;
}

export const tunnelDocument = (id: number, tunnel: Tunnel): TunnelDocument => ({
	id,
	local: { address: tunnel.local, port: tunnel.localPort },
	remote: tunnel.remote === UNKNOWN ? null : remoteDocument(tunnel),
	lastPing: tunnel.lastPing === 0n ? null : Number(tunnel.lastPing),
});

export const remoteDocument = ({ remote, remotePort }: Tunnel) => ({
	address: remote,
	port: remotePort,
});

export const decapDocument = (endpoint: Endpoint, references: number) => ({
	protocol: protocolName(endpoint.proto),
	address: endpoint.address,
	port: endpoint.port,
	references,
});
