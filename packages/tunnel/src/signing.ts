import { randomBytes } from "node:crypto";
import { type Sid, type Signing, signingFlags } from "@sluice/maps/tables";
import type { Keys } from "./rotation.js";
import { siphash128 } from "./siphash.js";
import type { ServiceTables } from "./tables.js";

type SigningTables = Pick<ServiceTables, "signing" | "signedOnly">;

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

/** A service in its tunnel, with the signing key that it is to have. */
interface Signer {
	sid: Sid;
	tunnel: number;
	signing?: SigningKey | undefined;
}

/**
 * Writes the signing key of a service, or takes it away. This host's secret for challenges stays while there is one.
 * @param before the service's tunnel until now; undefined: there was no such service
 */
export function setSigning(
	tables: SigningTables,
	{ sid, tunnel, signing: own }: Signer,
	before: number | undefined,
): void {
	const { signing } = tables;
	const row = signing.get(sid);
	const wasRequired = before !== undefined && isRequired(row);
	const required = own?.required ?? false;
	if (wasRequired !== required || (required && before !== tunnel)) {
		if (wasRequired) count(tables, before, -1);
		if (required) count(tables, tunnel, +1);
	}
	if (own)
		signing.set(sid, {
			key: own.key,
			challenge: row?.challenge ?? randomBytes(16),
			flags: required ? signingFlags.required : 0,
		});
	else if (row) signing.delete(sid);
}

const isRequired = (row: Signing | undefined) =>
	row !== undefined && (row.flags & signingFlags.required) !== 0;

function count({ signedOnly }: SigningTables, tunnel: number, by: number) {
	const services = (signedOnly.get(tunnel) ?? 0) + by;
	if (services > 0) signedOnly.set(tunnel, services);
	else signedOnly.delete(tunnel);
}

/** Of each tunnel that has any, how many of its services require signed pings. */
export function requiringServices({
	signing,
	verify,
}: Pick<ServiceTables, "signing" | "verify">): Map<number, number> {
	const right = new Map<number, number>();
	for (const [sid, row] of signing.entries()) {
		const tunnel = isRequired(row) ? verify.get(sid)?.tunnel : undefined;
		if (tunnel !== undefined) right.set(tunnel, (right.get(tunnel) ?? 0) + 1);
	}
	return right;
}

/** Deletes signing keys without a service, and writes the counts by tunnel as the services have them. */
export function countSigningAgain(
	tables: Pick<ServiceTables, "signing" | "signedOnly" | "verify">,
): void {
	const { signing, signedOnly, verify } = tables;
	signing.deleteMany(
		[...signing.entries()]
			.map(([sid]) => sid)
			.filter((sid) => !verify.get(sid)),
	);
	const right = requiringServices(tables);
	signedOnly.deleteMany(
		[...signedOnly.entries()]
			.map(([tunnel]) => tunnel)
			.filter((tunnel) => !right.has(tunnel)),
	);
	signedOnly.setMany([...right]);
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
			required: isRequired(row),
		}
	);
}
