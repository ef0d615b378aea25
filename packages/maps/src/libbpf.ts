import koffi from "koffi";
import { BpfError } from "./errors.js";

// `void *` arguments take Buffers of the size that the C side expects, or null.
// libbpf 1.x returns -errno, so the return value is the error and errno is not needed,
// except where a pointer is returned.

/** libbpf, the library that iproute2 itself links. */
export const library = load();

export const bpf_obj_get = library.func(
	"int bpf_obj_get_opts(const char *pathname, const void *opts)",
);
export const bpf_obj_pin = library.func(
	"int bpf_obj_pin(int fd, const char *pathname)",
);
export const bpf_obj_get_info_by_fd = library.func(
	"int bpf_obj_get_info_by_fd(int fd, void *info, void *info_len)",
);
export const bpf_map_lookup_elem = library.func(
	"int bpf_map_lookup_elem(int fd, const void *key, void *value)",
);
export const bpf_map_update_elem = library.func(
	"int bpf_map_update_elem(int fd, const void *key, const void *value, uint64_t flags)",
);
export const bpf_map_delete_elem = library.func(
	"int bpf_map_delete_elem(int fd, const void *key)",
);
export const bpf_map_get_next_key = library.func(
	"int bpf_map_get_next_key(int fd, const void *key, void *next_key)",
);

/** Declares the function at its first call: what a one-shot command does not use must not slow its start. */
// biome-ignore lint/suspicious/noExplicitAny: the prototype says the types
export function lazily(prototype: string): (...args: any[]) => any {
	let bound: ReturnType<typeof library.func> | undefined;
	return (...args) => {
		bound ??= library.func(prototype);
		return bound(...args);
	};
}

function load() {
	try {
		return koffi.load("libbpf.so.1");
	} catch (cause) {
		throw new BpfError("load libbpf.so.1", "ENOENT", {
			because: "no such library",
			hint: "install libbpf 1.0 or later (Debian: apt-get install libbpf1)",
			environment: true,
			cause,
		});
	}
}
