import { endpointText, protocolName } from "@sluice/cli-kit";
import type { Encap, Endpoint } from "@sluice/maps/tables";
import type { Service } from "./services.js";

// Lines that scripts rely on: prefix, tabs and field order stay as they are.

/** How a key is shown: hidden, unless somebody asked to see it. */
export type ShowKey = (key: Buffer) => string;

export const hiddenKey: ShowKey = () => "(hidden)";

/** A key as it can be typed: its text where that is printable, else `hex:` and digits. */
export const plainKey: ShowKey = (key) => {
	const end = key.findLastIndex((byte) => byte !== 0) + 1;
	const used = key.subarray(0, end);
	const text = used.toString("latin1");
	return /^[\x20-\x7e]+$/.test(text) && !/^(hex|base64):/.test(text)
		? text
		: `hex:${key.toString("hex")}`;
};

/** "(tcp 1.2.3.4:80)" */
export const endpointOf = ({ proto, address, port }: Endpoint) =>
	`(${protocolName(proto)} ${endpointText(address, port)})`;

export const verifyLine = (service: Service, show: ShowKey) =>
	`VERIFY (${service.sid.service}, ${service.sid.group}) ->\t'${show(service.key)}'\t${service.tunnel}\t\t${endpointOf(service.proxy)}\t${endpointOf(service.backend)}`;

export const encapLine = (backend: Endpoint, encap: Encap, show: ShowKey) =>
	`ENCAP ${endpointOf(backend)} -> ${encap.tunnel}\t\t(${encap.sid.service}, ${encap.sid.group})\t'${show(encap.key)}'`;

export const natLine = (from: Endpoint, to: Endpoint) =>
	`NAT ${endpointOf(from)} -> ${endpointOf(to)}`;

export const endpointDocument = ({ proto, address, port }: Endpoint) => ({
	protocol: protocolName(proto),
	address,
	port,
});

export const serviceDocument = (service: Service, show: ShowKey) => ({
	service: service.sid.service,
	group: service.sid.group,
	key: show(service.key),
	tunnel: service.tunnel,
	proxy: endpointDocument(service.proxy),
	backend: endpointDocument(service.backend),
});

export const encapDocument = (
	backend: Endpoint,
	{ tunnel, sid, key }: Encap,
	show: ShowKey,
) => ({
	backend: endpointDocument(backend),
	tunnel,
	service: sid.service,
	group: sid.group,
	key: show(key),
});

export const natDocument = (from: Endpoint, to: Endpoint) => ({
	from: endpointDocument(from),
	to: endpointDocument(to),
});
