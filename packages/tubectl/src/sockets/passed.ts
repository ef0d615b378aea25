import { Failure } from "@sluice/cli-kit";
import { type BpfError, socketInfo, socketNamespace } from "@sluice/maps";
import type { Offer } from "./choose.js";

/** The first descriptor that a service manager passes, as sd_listen_fds(3) has it. */
const FIRST = 3;

/** The sockets that were passed. @throws Failure a descriptor is not a socket. */
export function passedSockets(count: number): Offer[] {
	return Array.from({ length: count }, (_, i) => {
		const fd = FIRST + i;
		try {
			return {
				fd,
				number: fd,
				info: socketInfo(fd),
				namespace: socketNamespace(fd),
			};
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
