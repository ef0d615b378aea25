import type { AcceptedKey, Rotation, Sid, Verify } from "@sluice/maps/tables";
import type { ServiceTables } from "./tables.js";

/** A service's keys. */
export interface Keys {
	/** In each packet: 16 bytes. */
	key: Buffer;
	/** Signs pings and never travels; undefined: none. */
	signing?: Buffer | undefined;
}

/** `prepared`: the service sends its old key; `switched`: its next one. Both are accepted. */
export type Phase = "prepared" | "switched";

/** A rotation as a service is set with it: its phase, and the keys that the service does not send. */
export interface OtherKeys extends Keys {
	/** Undefined: `switched` if the service already has these keys, else `prepared`. */
	phase?: Phase | undefined;
}

/** The phase of a rotation, by the key that the service sends. */
export const phaseOf = (
	{ key }: Pick<Verify, "key">,
	{ next }: Rotation,
): Phase => (next.key.equals(key) ? "switched" : "prepared");

/** The key that the service accepts and does not send. */
export const otherKey = (
	service: Pick<Verify, "key">,
	rotation: Rotation,
): AcceptedKey =>
	phaseOf(service, rotation) === "prepared" ? rotation.next : rotation.old;

/** The key that the service sends. */
const ownKey = (service: Pick<Verify, "key">, rotation: Rotation) =>
	phaseOf(service, rotation) === "prepared" ? rotation.old : rotation.next;

const NO_KEY = Buffer.alloc(16);

/** The keys of a row. */
export const keysOf = ({ key, signing }: AcceptedKey): Keys => ({
	key,
	signing: signing.equals(NO_KEY) ? undefined : signing,
});

const unused = ({ key, signing = NO_KEY }: Keys): AcceptedKey => ({
	key,
	signing,
	packets: 0n,
	lastPacket: 0n,
});

/** A service with the keys that it is to have. */
interface Rotated extends Pick<Verify, "key"> {
	sid: Sid;
	signing?: { key: Buffer } | undefined;
	other?: OtherKeys | undefined;
}

const hasKeys = (row: AcceptedKey, { key, signing = NO_KEY }: Keys) =>
	row.key.equals(key) && row.signing.equals(signing);

/**
 * Writes the row of a service that is being set. A rotation stays, with the use of its keys, where the service is set
 * with one of the two; it ends where it is set with a third.
 *
 * @param before the service until now
 */
export function setRotation(
	{ rotation }: Pick<ServiceTables, "rotation">,
	service: Rotated,
	before: Verify | undefined,
): void {
	const { sid, key, other } = service;
	const row = rotation.get(sid);
	const own: Keys = { key, signing: service.signing?.key };
	if (!other) {
		if (row && !hasKeys(row.old, own) && !hasKeys(row.next, own))
			rotation.delete(sid);
		return;
	}
	const was = row && phaseOf(service, row);
	const isOther = row && was && hasKeys(otherKey(service, row), other);
	const isSame = isOther && hasKeys(ownKey(service, row), own);
	const phase =
		other.phase ??
		(isOther ? was : before?.key.equals(other.key) ? "switched" : "prepared");
	if (isSame && phase === was) return;
	rotation.set(
		sid,
		phase === "prepared"
			? { old: unused(own), next: unused(other) }
			: { old: unused(other), next: unused(own) },
	);
}
