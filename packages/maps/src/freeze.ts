import { readFileSync } from "node:fs";
import { check } from "./errors.js";
import { lazily } from "./libbpf.js";

const bpf_map_freeze = lazily("int bpf_map_freeze(int fd)");

/**
 * Takes writing away from system calls, for every descriptor of the map and for good: from then on only programs
 * write to it. Does nothing to a map that is frozen.
 *
 * @throws BpfError EBUSY it is being written to; EPERM no rights.
 */
export function freeze(mapFd: number): void {
	if (!isFrozen(mapFd)) check(bpf_map_freeze(mapFd), "freeze a map");
}

export const isFrozen = (mapFd: number): boolean =>
	/^frozen:\s*1$/m.test(readFileSync(`/proc/self/fdinfo/${mapFd}`, "utf8"));
