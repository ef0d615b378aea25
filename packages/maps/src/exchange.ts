import { BpfError, errnoName } from "./errors.js";
import { errno, libc } from "./libc.js";

const renameat2 = libc(
	"int renameat2(int olddirfd, const char *oldpath, int newdirfd, const char *newpath, unsigned int flags)",
);
const AT_FDCWD = -100;
const RENAME_EXCHANGE = 2;

/**
 * Exchanges two paths in one step: whoever opens either sees all of the one or all of the other.
 * @throws BpfError ENOENT one is missing; EXDEV they are on different file systems.
 */
export function exchangePaths(a: string, b: string): void {
	if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) < 0)
		throw new BpfError(`exchange ${a} and ${b}`, errnoName(errno()));
}
