let names: Map<number, string> | undefined;

/** The name of an errno, 2 → "ENOENT"; an unknown one is its number. */
export function errnoName(errno: number): string {
	names ??= namesOfErrnos();
	return names.get(errno) ?? String(errno);
}

function namesOfErrnos(): Map<number, string> {
	// Loaded here because most commands meet no error.
	const { errno } = process.getBuiltinModule("node:os").constants;
	return new Map<number, string>([
		...Object.entries(errno).map(([name, number]) => [number, name] as const),
		// Two names for one number: the name in the manual page of bpf(2).
		[errno.EAGAIN, "EAGAIN"],
		[errno.EOPNOTSUPP, "EOPNOTSUPP"],
		// Internal to the kernel, but bpf(2) returns it.
		[524, "ENOTSUPP"],
	]);
}

const causes: Record<string, string> = {
	E2BIG: "the table is full",
	EACCES: "not permitted",
	EBUSY: "busy",
	EEXIST: "it is there already",
	EINVAL: "the kernel refuses the arguments",
	ENOENT: "no such entry",
	ENOMEM: "out of memory",
	ENOSPC: "no space left",
	ENOTSUPP: "not supported by this kernel",
	EOPNOTSUPP: "not supported by this kernel",
	EPERM: "not permitted",
};

const advice: Record<string, string> = {
	EACCES: "run as root or with CAP_BPF and CAP_NET_ADMIN",
	EPERM: "run as root or with CAP_BPF and CAP_NET_ADMIN",
};

export interface BpfErrorOptions {
	/** What went wrong, where the errno alone would mislead. */
	because?: string;
	/** What to do about it. */
	hint?: string;
	/** The machine cannot, whatever the arguments: no rights, no bpffs, nothing pinned, no libbpf. */
	environment?: boolean;
	cause?: unknown;
}

/** The kernel, or libbpf on its behalf, refused. Form: `operation: cause (CODE); what to do next`. */
export class BpfError extends Error {
	override name = "BpfError";
	/** What was being done, "open /sys/fs/bpf/tc/globals/map_nat". */
	readonly operation: string;
	/** The errno's name, "ENOENT". */
	readonly code: string;
	readonly hint: string | undefined;
	readonly environment: boolean;

	constructor(operation: string, code: string, options: BpfErrorOptions = {}) {
		const because = options.because ?? causes[code];
		const hint = options.hint ?? advice[code];
		super(
			`${operation}: ${because ? `${because} (${code})` : code}${hint ? `; ${hint}` : ""}`,
			{ cause: options.cause },
		);
		this.operation = operation;
		this.code = code;
		this.hint = hint;
		this.environment =
			options.environment ?? (code === "EPERM" || code === "EACCES");
	}
}

/**
 * Passes a libbpf 1.x result on, where negative is -errno.
 * @throws BpfError with the errno's name.
 */
export function check(status: number, operation: string): number {
	if (status < 0) throw new BpfError(operation, errnoName(-status));
	return status;
}
