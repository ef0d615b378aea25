import { check } from "./errors.js";
import { lazily } from "./libbpf.js";

/** `enum bpf_attach_type`. */
const SK_LOOKUP = 36;

const bpf_link_create = lazily(
	"int bpf_link_create(int prog_fd, int target_fd, int attach_type, const void *opts)",
);
const bpf_link_update = lazily(
	"int bpf_link_update(int link_fd, int new_prog_fd, const void *opts)",
);

/**
 * Attaches an sk_lookup program to a network namespace.
 * @returns the link's descriptor; closing it detaches, unless it is pinned
 * @throws BpfError EPERM no rights; EINVAL not such a program.
 */
export function attachToNetns(programFd: number, netnsFd: number): number {
	return check(
		bpf_link_create(programFd, netnsFd, SK_LOOKUP, null),
		"attach to the network namespace",
	);
}

/** Puts another program into a link, in one step. @throws BpfError EINVAL another type of program. */
export function replaceProgram(linkFd: number, programFd: number): void {
	check(bpf_link_update(linkFd, programFd, null), "replace the program");
}

const bpf_link_detach = lazily("int bpf_link_detach(int link_fd)");

/**
 * Takes the program off. A link that is only closed and unpinned goes later: the kernel frees its inode after a grace
 * period.
 *
 * @throws BpfError EPERM no rights.
 */
export function detachLink(linkFd: number): void {
	check(bpf_link_detach(linkFd), "detach from the network namespace");
}

const bpf_raw_tracepoint_open = lazily(
	"int bpf_raw_tracepoint_open(const char *name, int prog_fd)",
);

/**
 * Attaches a tracing program (tp_btf) to the tracepoint that it was loaded for.
 * @returns the link's descriptor; closing it detaches
 * @throws BpfError EPERM no rights.
 */
export function attachTracing(programFd: number): number {
	return check(
		bpf_raw_tracepoint_open(null, programFd),
		"attach the tracing program",
	);
}
