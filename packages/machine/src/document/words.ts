import { badInput } from "@sluice/cli-kit";

/** The one version of the document. */
export const API_VERSION = "sluice/v1";
export const KIND = "Machine";

/** A remote that is left to the pings. */
export const LEARNED = "learned";

/** A generation: from 1 on; JSON has no larger ones than 2^53 - 1 that are exact. @throws Failure usage */
export function generation(name: string, text: string): bigint {
	if (/^[1-9]\d{0,15}$/.test(text) && Number(text) <= Number.MAX_SAFE_INTEGER)
		return BigInt(text);
	throw badInput(
		`${name} must be an integer from 1 to ${Number.MAX_SAFE_INTEGER}, got "${text}"`,
	);
}
