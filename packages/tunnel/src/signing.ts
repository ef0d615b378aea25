import { randomBytes } from "node:crypto";
import { type Sid, signingFlags } from "@sluice/maps/tables";
import type { Keys } from "./rotation.js";
import { siphash128 } from "./siphash.js";
import type { ServiceTables } from "./tables.js";

/** How a service's pings are signed. */
export interface SigningKey {
	key: Buffer;
	/** Pings that are not signed are refused. */
	required: boolean;
}

/**
 * The key of a service's data packets, from its signing key: SipHash-2-4-128 of "data" and the sid, in network byte order,
 * under the signing key. A TrueIngress peer is given it as `hex:`.
 */
export function dataKey(signing: Buffer, { service, group }: Sid): Buffer {
	const message = Buffer.alloc(8);
	message.write("data");
	message.writeUInt16BE(service, 4);
	message.writeUInt16BE(group, 6);
	return siphash128(signing, message);
}

/** Both keys of a service that has the signing key. */
export const keysFromSigning = (signing: Buffer, sid: Sid): Keys => ({
	key: dataKey(signing, sid),
	signing,
});

/** Writes the signing key of a service, or takes it away. This host's secret for challenges stays while there is one. */
export function setSigning(
	{ signing }: Pick<ServiceTables, "signing">,
	sid: Sid,
	own: SigningKey | undefined,
): void {
	if (!own) {
		signing.delete(sid);
		return;
	}
	signing.set(sid, {
		key: own.key,
		challenge: signing.get(sid)?.challenge ?? randomBytes(16),
		flags: own.required ? signingFlags.required : 0,
	});
}

/** The signing key of a service; undefined: none. */
export function signingOf(
	{ signing }: Pick<ServiceTables, "signing">,
	sid: Sid,
): SigningKey | undefined {
	const row = signing.get(sid);
	return (
		row && {
			key: row.key,
			required: (row.flags & signingFlags.required) !== 0,
		}
	);
}
