import { BpfError } from "./errors.js";
import koffi from "./koffi.js";
import { lazyIn } from "./lazy.js";

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

/** A function of libbpf, declared at its first call. */
export const lazily = lazyIn(library);

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
