import koffi from "koffi";

// libc functions that Node does not offer. They return -1 and set errno.

export const libc = koffi.load("libc.so.6");

export const flock = libc.func("int flock(int fd, int operation)");

/** The errno of the last libc call, as a positive number. */
export const errno = () => koffi.errno();
