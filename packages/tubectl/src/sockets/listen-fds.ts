import { badInput, Failure } from "@sluice/cli-kit";
import { type BpfError, socketInfo } from "@sluice/maps";
import type { Offer } from "./choose.js";

/** The first descriptor that a service manager passes, as sd_listen_fds(3) has it. */
const FIRST = 3;

/** How many sockets were passed: $LISTEN_FDS. $LISTEN_PID and $LISTEN_FDNAMES are not looked at. */
export function listenFds(
	vars: Readonly<Record<string, string | undefined>>,
): number {
	const text = vars.LISTEN_FDS;
	if (text === undefined)
		throw badInput(
			"no sockets passed: LISTEN_FDS is not set",
			"run it by socket activation, or use register-pid",
		);
	if (!/^[1-9]\d{0,4}$/.test(text))
		throw badInput(
			`LISTEN_FDS must be the number of sockets passed, got "${text}"`,
		);
	return Number(text);
}

/** The sockets that were passed. @throws Failure a descriptor is not a socket. */
export function passedSockets(count: number): Offer[] {
	return Array.from({ length: count }, (_, i) => {
		const fd = FIRST + i;
		try {
			return { fd, number: fd, info: socketInfo(fd) };
		} catch (error) {
			const { code } = error as BpfError;
			throw new Failure(
				"failed",
				`descriptor ${fd}: ${code === "EBADF" ? "not passed" : "not a socket"} (${code})`,
				{ code, cause: error },
			);
		}
	});
}
