import { BpfError } from "@sluice/maps/errors";
import { Failure } from "./failure.js";

/** A failure with its hint apart; undefined for an unexpected exception. */
export function explained(
	error: unknown,
): Pick<Failure, "kind" | "code" | "message" | "hint" | "usage"> | undefined {
	if (error instanceof Failure) return error;
	if (!(error instanceof BpfError)) return undefined;
	const { code, hint, environment } = error;
	return {
		kind: environment ? "environment" : "failed",
		code,
		message: hint ? error.message.slice(0, -`; ${hint}`.length) : error.message,
		hint,
		usage: undefined,
	};
}
