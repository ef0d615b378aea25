import { readFileSync } from "node:fs";
import { badInput, Failure } from "@sluice/cli-kit";
import { close } from "@sluice/maps";
import { endpointText } from "@sluice/maps/address";
import type { Offer } from "./choose.js";
import { socketsOf, type Wanted, withProcess } from "./process.js";
import { until } from "./wait.js";

/**
 * Finds the sockets of a process that are bound to an address and port, waiting for them if that is asked.
 *
 * @param process a pid, or the path of a file with one, which may be written while we wait
 * @param check called with the pid, which is open, before any socket is taken
 * @throws Failure no such process, or none of its sockets will do: each one near is named with the reason.
 */
export async function findSockets(
	process: number | string,
	wanted: Wanted,
	wait: number,
	check: (pid: number) => void,
): Promise<{ pid: number; offers: Offer[] }> {
	let why: Failure | undefined;
	const found = await until(wait, () => {
		const pid = pidOf(process);
		if (pid === undefined) {
			why = badInput(
				`pid must be a process or a file with one, got "${process}"`,
			);
			return undefined;
		}
		try {
			const { fit, unfit } = withProcess(
				pid,
				(pidfd) => {
					check(pid);
					return socketsOf(pid, pidfd, wanted);
				},
				({ fit }) => {
					for (const { fd } of fit) close(fd);
				},
			);
			why = noSocket(pid, wanted, unfit);
			return fit.length > 0 ? { pid, offers: fit } : undefined;
		} catch (error) {
			// A pid file may still have the pid of an earlier process; a given pid does not come back.
			if (typeof process === "number" || !isNoProcess(error)) throw error;
			why = error;
			return undefined;
		}
	});
	if (!found) throw why;
	return found;
}

const isNoProcess = (error: unknown): error is Failure =>
	error instanceof Failure && error.code === "ESRCH";

function pidOf(process: number | string): number | undefined {
	if (typeof process === "number") return process;
	try {
		const text = readFileSync(process, "utf8").trim();
		return /^\d{1,7}$/.test(text) ? Number(text) : undefined;
	} catch {
		return undefined;
	}
}

function noSocket(
	pid: number,
	{ protocol, address, port }: Wanted,
	unfit: readonly string[],
): Failure {
	const endpoint = endpointText(address, port);
	return new Failure(
		"failed",
		unfit.length > 0
			? `process ${pid}: ${unfit.join("; ")}`
			: `process ${pid}: no ${protocol} socket at ${endpoint}`,
		{
			code: unfit.length > 0 ? "UNFIT_SOCKET" : "NO_SOCKET",
			...(unfit.length > 0
				? {}
				: {
						hint: 'see its sockets with "ss -nlptu", or wait for one with --wait',
					}),
		},
	);
}
