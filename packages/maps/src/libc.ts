import koffi from "./koffi.js";
import { lazyIn } from "./lazy.js";

// libc functions that Node does not offer. They return -1 and set errno.

/** A function of the C library, declared at its first call. */
export const libc = lazyIn(koffi.load("libc.so.6"));

export const flock = libc("int flock(int fd, int operation)");

/** The errno of the last libc call, as a positive number. */
export const errno = () => koffi.errno();
