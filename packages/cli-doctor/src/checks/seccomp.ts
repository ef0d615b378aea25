import { constants } from "node:os";
import type { Check } from "../finding.js";
import { rerun } from "../rerun.js";

const FILTER = 2;

/** A container's filter of system calls may forbid bpf() to a process that has the capabilities for it. */
export const seccomp: Check = {
	name: "seccomp",
	look(world) {
		if (world.status.seccomp !== FILTER) return [];
		const refused = world.trial();
		if (refused !== constants.errno.EPERM && refused !== constants.errno.ENOSYS)
			return [];
		return [
			{
				code: "seccomp",
				message:
					"a seccomp filter is on this process, and bpf() is refused although the capabilities are there",
				fix: rerun("--security-opt seccomp=unconfined"),
			},
		];
	},
};
