import { existsSync } from "node:fs";
import type { Check } from "../finding.js";

/** Rights, listeners and kernel parameters are read there. */
export const proc: Check = {
	name: "/proc",
	look: () =>
		existsSync("/proc/self/status")
			? []
			: [
					{
						code: "proc-missing",
						message:
							"/proc is not mounted: rights, kernel parameters and listening sockets cannot be looked at",
						fix: "mount -t proc proc /proc",
					},
				],
};
