import { BpfError, errnoName } from "./errors.js";
import { errno, libc } from "./libc.js";

// System calls without a libc function in every libc that is about: the numbers are the same on all architectures.
const PIDFD_SEND_SIGNAL = 424;
const PIDFD_OPEN = 434;
const PIDFD_GETFD = 438;

const syscall = libc(
	"long syscall(long number, long a, long b, long c, long d)",
);

/**
 * A descriptor of a process, which stays valid if the pid is reused.
 * @throws BpfError ESRCH no such process.
 */
export function openProcess(pid: number): number {
	return call(PIDFD_OPEN, [pid, 0, 0], `open process ${pid}`);
}

/**
 * Whether a process, opened by `openProcess`, has not been waited for yet. While that is so, its pid is its own: what was
 * read from /proc/PID before was of this process.
 */
export const isRunning = (pidfd: number) =>
	Number(syscall(PIDFD_SEND_SIGNAL, pidfd, 0, 0, 0)) === 0;

/**
 * Duplicates a descriptor of another process, opened by `openProcess`, into this one.
 * @throws BpfError EBADF it has no such descriptor; EPERM not allowed to trace it; ESRCH it has ended.
 */
export function takeDescriptor(pidfd: number, descriptor: number): number {
	return call(
		PIDFD_GETFD,
		[pidfd, descriptor, 0],
		`take descriptor ${descriptor}`,
	);
}

function call(
	number: number,
	[a, b, c]: [number, number, number],
	operation: string,
): number {
	const result = Number(syscall(number, a, b, c, 0));
	if (result >= 0) return result;
	const code = errnoName(errno());
	throw new BpfError(operation, code, {
		...(code === "ESRCH" ? { because: "no such process" } : {}),
		...(code === "EBADF" ? { because: "no such descriptor" } : {}),
		...(code === "EPERM"
			? { because: "not permitted", hint: "run as root or with CAP_SYS_PTRACE" }
			: {}),
	});
}
