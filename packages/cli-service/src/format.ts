import { type Context, counted, fieldsJson, JsonText } from "@sluice/cli-kit";
import {
	type Encap,
	type Endpoint,
	protocolName,
	type Rotation,
	type Sid,
	type Signing,
	signingFlags,
} from "@sluice/maps/tables";
import { endpointName, otherKey, phaseOf, type Service } from "@sluice/tunnel";

// Lines that scripts rely on: prefix, tabs and field order stay as they are.

/** How a key is shown: hidden by default. */
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
const endpointOf = (endpoint: Endpoint) => `(${endpointName(endpoint)})`;

export const verifyLine = (service: Service, show: ShowKey) =>
	`VERIFY (${service.sid.service}, ${service.sid.group}) ->\t'${show(service.key)}'\t${service.tunnel}\t\t${endpointOf(service.proxy)}\t${endpointOf(service.backend)}`;

export const encapLine = (backend: Endpoint, encap: Encap, show: ShowKey) =>
	`ENCAP ${endpointOf(backend)} -> ${encap.tunnel}\t\t(${encap.sid.service}, ${encap.sid.group})\t'${show(encap.key)}'`;

export const natLine = (from: Endpoint, to: Endpoint) =>
	`NAT ${endpointOf(from)} -> ${endpointOf(to)}`;

/** The phase, the key that is accepted beside the service's own, and its use. */
export function rotationLine(
	service: Service,
	rotation: Rotation,
	show: ShowKey,
	context: Context,
): string {
	const { phase, key, packets, idle } = rotationDocument(
		service,
		rotation,
		show,
		context,
	);
	const { sid } = service;
	const last = idle === null ? "" : `, the last ${idle.toFixed(1)} s ago`;
	return `ROTATION (${sid.service}, ${sid.group}) ->\t${phase}\t'${key}'\t${counted(packets, "packet")}${last}`;
}

export function rotationDocument(
	service: Service,
	rotation: Rotation,
	show: ShowKey,
	{ kernel }: Context,
) {
	const { key, packets, lastPacket } = otherKey(service, rotation);
	return {
		phase: phaseOf(service, rotation),
		key: show(key),
		/** Packets with this key while the other one was the service's. */
		packets: Number(packets),
		/** Seconds since the last of them; null: none. */
		idle:
			lastPacket === 0n ? null : Math.max(kernel.secondsSince(lastPacket), 0),
	};
}

/** The signing key of a service, and whether pings must be signed. */
export const signingLine = (
	{ service, group }: Sid,
	signing: Signing,
	show: ShowKey,
) => {
	const { key, required } = signingDocument(signing, show);
	return `SIGNING (${service}, ${group}) ->\t'${key}'\t${required ? "required" : "optional"}`;
};

export const signingDocument = ({ key, flags }: Signing, show: ShowKey) => ({
	key: show(key),
	required: (flags & signingFlags.required) !== 0,
});

// The same as JSON, written as text: there may be hundreds of thousands.

const endpointJson = ({ proto, address, port }: Endpoint) =>
	`${protocolJson(proto)}${address.toString()}","port":${port}}`;

/** Constant parts of the text, by protocol. */
const protocolTexts: string[] = [];

function protocolJson(proto: number): string {
	protocolTexts[proto] ??= `{"protocol":"${protocolName(proto)}","address":"`;
	return protocolTexts[proto];
}

const hiddenJson = JSON.stringify(hiddenKey(Buffer.of()));

const keyJson = (key: Buffer, show: ShowKey) =>
	show === hiddenKey ? hiddenJson : JSON.stringify(show(key));

export const serviceJson = (
	{ sid, key, tunnel, proxy, backend }: Service,
	show: ShowKey,
	more?: object,
) =>
	new JsonText(
		`{"service":${sid.service},"group":${sid.group},"key":${keyJson(key, show)},"tunnel":${tunnel},"proxy":${endpointJson(proxy)},"backend":${endpointJson(backend)}${more ? fieldsJson(more) : ""}}`,
	);

export const encapJson = (
	backend: Endpoint,
	{ tunnel, sid, key }: Encap,
	show: ShowKey,
) =>
	new JsonText(
		`{"backend":${endpointJson(backend)},"tunnel":${tunnel},"service":${sid.service},"group":${sid.group},"key":${keyJson(key, show)}}`,
	);

export const natJson = (from: Endpoint, to: Endpoint) =>
	new JsonText(`{"from":${endpointJson(from)},"to":${endpointJson(to)}}`);
