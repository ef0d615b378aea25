import koffi from "koffi";

const CLONE_NEWNS = 0x0002_0000;
const CLONE_NEWNET = 0x4000_0000;
const MS_REC = 0x4000;
const MS_PRIVATE = 0x4_0000;

/**
 * Moves this process into a network and a mount namespace of its own, with a bpffs of its own at /sys/fs/bpf: for
 * tests that call the code in process. Nothing of it outlives the process, however that ends. Needs root.
 *
 * Only the calling thread moves, and what it starts: use synchronous file calls, for `fs.promises` is carried out by
 * threads that stayed behind.
 */
export function ownNamespaces(): void {
	const libc = koffi.load("libc.so.6");
	const unshare = libc.func("int unshare(int flags)");
	const mount = libc.func(
		"int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data)",
	);
	const must = (status: number, what: string) => {
		if (status !== 0) throw new Error(`${what}: errno ${koffi.errno()}`);
	};
	must(unshare(CLONE_NEWNS | CLONE_NEWNET), "unshare");
	must(mount("none", "/", null, MS_REC | MS_PRIVATE, null), "make / private");
	must(mount("bpf", "/sys/fs/bpf", "bpf", 0, null), "mount a bpffs");
}
