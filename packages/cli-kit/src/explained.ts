import { BpfError } from "@sluice/maps/errors";
import { Failure } from "./failure.js";

/** A failure with its hint apart; undefined for an unexpected exception. */
export function explained(
	error: unknown,
): Pick<Failure, "kind" | "code" | "message" | "hint" | "usage"> | undefined {
	if (error instanceof Failure) return error;
	if (!(error instanceof BpfError)) return missingProgram(error);
	const { code, hint, environment } = error;
	return {
		kind: environment ? "environment" : "failed",
		code,
		message: hint ? error.message.slice(0, -`; ${hint}`.length) : error.message,
		hint,
		usage: undefined,
	};
}

/** Explains that a program which was to be run is not there, as Node reports it. */
function missingProgram(error: unknown): Failure | undefined {
	const { code, syscall, path } = error as NodeJS.ErrnoException;
	if (code !== "ENOENT" || !syscall?.startsWith("spawn")) return undefined;
	return new Failure("environment", `${path}: no such program (ENOENT)`, {
		code,
		...(path === "ip" || path === "tc"
			? { hint: "install iproute2 (Debian: apt-get install iproute2)" }
			: {}),
	});
}
