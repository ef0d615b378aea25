import { values } from "@sluice/cli-kit";
import type { Path } from "@sluice/document";
import { protocols } from "@sluice/maps/tables";
import type { Service, SigningKey } from "@sluice/tunnel";
import { isV6, refuseKind, socketAddress } from "./endpoint.js";
import { readKeys, readSigningKey } from "./keys.js";
import type { Fields, Reader } from "./reader.js";

const SERVICE = [
	"service",
	"group",
	"protocol",
	"proxy",
	"backend",
	"tunnel",
	"keys",
];

/** A row of `services`; undefined where there is a mistake. */
export function serviceRow(
	reader: Reader,
	value: unknown,
	path: Path,
): Service | undefined {
	const row = reader.mapping(value, path, SERVICE, [
		"signingKey",
		"otherSigningKey",
		"requireSigned",
	]);
	if (!row) return undefined;
	const service = reader.number(row, "service", path, values.u16);
	const group = reader.number(row, "group", path, values.u16);
	const protocol = reader.text(row, "protocol", path, values.protocol);
	const proxy = reader.text(row, "proxy", path, socketAddress);
	const backend = reader.text(row, "backend", path, socketAddress);
	const tunnel = reader.number(row, "tunnel", path, values.u32);
	const signing = signingOf(reader, row, path);
	const otherSigning = otherSigningOf(reader, row, path);
	const [key, other] = readKeys(row.keys, [...path, "keys"], reader) ?? [];
	if (service === undefined || group === undefined || !protocol)
		return undefined;
	if (!proxy || !backend || tunnel === undefined || !key) return undefined;
	// A loopback address may be meant, on a machine that is set up for it.
	refuseKind(reader, path, "proxy", proxy.address, "loopback");
	refuseKind(reader, path, "backend", backend.address, "loopback");
	if (isV6(proxy) !== isV6(backend))
		reader.wrong(path, "proxy and backend must be of one family");
	const proto = protocols[protocol];
	return {
		sid: { service, group },
		proxy: { address: proxy.address, port: proxy.port, proto },
		backend: { address: backend.address, port: backend.port, proto },
		tunnel,
		key,
		...(other ? { other: { key: other, signing: otherSigning } } : {}),
		...(signing ? { signing } : {}),
	};
}

/** Undefined: pings of the service are not signed. */
function signingOf(
	reader: Reader,
	row: Fields,
	path: Path,
): SigningKey | undefined {
	const { signingKey, requireSigned = false } = row;
	if (typeof requireSigned !== "boolean")
		reader.wrong([...path, "requireSigned"], "expected true or false");
	if (signingKey === undefined) {
		if (requireSigned === true)
			reader.wrong([...path, "requireSigned"], "needs a signingKey");
		return undefined;
	}
	const at = [...path, "signingKey"];
	const key = readSigningKey(signingKey, at, reader);
	return key && { key, required: requireSigned === true };
}

/** The signing key of the second key; undefined: none. */
function otherSigningOf(
	reader: Reader,
	row: Fields,
	path: Path,
): Buffer | undefined {
	const { otherSigningKey, signingKey, keys } = row;
	if (otherSigningKey === undefined) return undefined;
	const at = [...path, "otherSigningKey"];
	if (signingKey === undefined || !Array.isArray(keys) || keys.length !== 2) {
		reader.wrong(at, "needs a signingKey and two keys");
		return undefined;
	}
	return readSigningKey(otherSigningKey, at, reader);
}
