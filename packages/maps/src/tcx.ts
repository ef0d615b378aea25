import { BpfError, check } from "./errors.js";
import { lazily } from "./libbpf.js";

// tcx: programs on an interface without a qdisc or a filter between (kernel 6.6). They run before every filter.

/** `BPF_TCX_INGRESS` and `BPF_TCX_EGRESS` of `enum bpf_attach_type`. */
const hooks = { ingress: 46, egress: 47 } as const;

type Hook = keyof typeof hooks;

const BPF_F_REPLACE = 4;
const EINVAL = 22;
const ERANGE = 34;
/** Programs that a hook can have: one less than `BPF_MPROG_MAX`. */
const MOST_PROGRAMS = 63;

const bpf_prog_query = lazily(
	"int bpf_prog_query(int target_fd, int type, uint32_t query_flags, void *attach_flags, void *prog_ids, void *prog_cnt)",
);
const bpf_prog_attach_opts = lazily(
	"int bpf_prog_attach_opts(int prog_fd, int target_fd, int attach_type, const void *opts)",
);
const bpf_prog_detach2 = lazily(
	"int bpf_prog_detach2(int prog_fd, int target_fd, int attach_type)",
);

/**
 * The programs on a tcx hook of the process's own network namespace.
 * @returns their ids in the order in which they run; undefined: the kernel has no tcx
 * @throws BpfError EPERM no rights; ENODEV no such interface.
 */
export function tcxPrograms(ifindex: number, hook: Hook): number[] | undefined {
	const ids = Buffer.alloc(4 * MOST_PROGRAMS);
	const count = Buffer.alloc(4);
	count.writeUInt32LE(MOST_PROGRAMS);
	const status: number = bpf_prog_query(
		ifindex,
		hooks[hook],
		0,
		null,
		ids,
		count,
	);
	if (status === -EINVAL) return undefined;
	check(status, `list the programs on tcx ${hook}`);
	return Array.from({ length: count.readUInt32LE() }, (_, i) =>
		ids.readUInt32LE(4 * i),
	);
}

/**
 * Attaches a tc program behind those that are there, or in the place of one of them in one step. It stays until it is
 * detached or the interface goes.
 *
 * @param replaced the program to replace
 * @throws BpfError EPERM no rights; ENOENT `replaced` is not there; EEXIST the program is there already; ERANGE the hook
 * is full.
 */
export function attachTcx(
	programFd: number,
	ifindex: number,
	hook: Hook,
	replaced?: number,
): void {
	const operation = `attach to tcx ${hook}`;
	const status: number = bpf_prog_attach_opts(
		...[programFd, ifindex, hooks[hook], options(replaced)],
	);
	if (status === -ERANGE)
		throw new BpfError(operation, "ERANGE", {
			because: `it has ${MOST_PROGRAMS} programs, the most that a hook takes`,
		});
	check(status, operation);
}

/** `struct bpf_prog_attach_opts` as libbpf 1.0 has it: its size, flags, the replaced program. */
function options(replaced: number | undefined): Buffer | null {
	if (replaced === undefined) return null;
	const bytes = Buffer.alloc(16);
	bytes.writeBigUInt64LE(16n, 0);
	bytes.writeUInt32LE(BPF_F_REPLACE, 8);
	bytes.writeInt32LE(replaced, 12);
	return bytes;
}

/** @throws BpfError EPERM no rights; ENOENT it is not there. */
export function detachTcx(
	programFd: number,
	ifindex: number,
	hook: Hook,
): void {
	check(
		bpf_prog_detach2(programFd, ifindex, hooks[hook]),
		`detach from tcx ${hook}`,
	);
}
