import koffi from "./koffi.js";
import { lazily } from "./libbpf.js";
import { libc } from "./libc.js";

/** The part of libbpf that loads objects. Pointers are opaque to us. */
export const loader = {
	bpf_object__open_file: lazily(
		"void *bpf_object__open_file(const char *path, const void *opts)",
	),
	bpf_object__load: lazily("int bpf_object__load(void *obj)"),
	bpf_object__close: lazily("void bpf_object__close(void *obj)"),
	bpf_object__next_map: lazily(
		"void *bpf_object__next_map(void *obj, void *map)",
	),
	bpf_object__find_map_by_name: lazily(
		"void *bpf_object__find_map_by_name(void *obj, const char *name)",
	),
	bpf_object__find_program_by_name: lazily(
		"void *bpf_object__find_program_by_name(void *obj, const char *name)",
	),
	bpf_program__set_autoload: lazily(
		"int bpf_program__set_autoload(void *prog, bool autoload)",
	),
	bpf_map__initial_value: lazily(
		"void *bpf_map__initial_value(void *map, void *size)",
	),
	bpf_program__fd: lazily("int bpf_program__fd(void *prog)"),
	bpf_map__name: lazily("const char *bpf_map__name(void *map)"),
	bpf_map__fd: lazily("int bpf_map__fd(void *map)"),
	bpf_map__pin_path: lazily("const char *bpf_map__pin_path(void *map)"),
	bpf_map__set_pin_path: lazily(
		"int bpf_map__set_pin_path(void *map, const char *path)",
	),
	bpf_map__set_max_entries: lazily(
		"int bpf_map__set_max_entries(void *map, uint32_t max_entries)",
	),
	bpf_map__reuse_fd: lazily("int bpf_map__reuse_fd(void *map, int fd)"),
};

const libbpf_set_print = lazily("void *libbpf_set_print(void *fn)");
const vsnprintf = libc(
	"int vsnprintf(void *str, size_t size, const char *format, void *ap)",
);
const printFunction = koffi.pointer(
	koffi.proto("int libbpf_print(int level, const char *format, void *ap)"),
);

const WARN = 0;
const LONGEST = 64 * 1024;

/** Collects libbpf's warnings, the verifier's log among them, in place of printing them, until `stop`. */
export function collectLog(): { lines(): string[]; stop(): void } {
	const collected: string[] = [];
	const buffer = Buffer.alloc(LONGEST);
	const print = koffi.register((level: number, format: string, ap: unknown) => {
		if (level > WARN) return 0;
		const length = vsnprintf(buffer, LONGEST, format, ap);
		collected.push(buffer.toString("utf8", 0, Math.min(length, LONGEST - 1)));
		return 0;
	}, printFunction);
	libbpf_set_print(print);
	return {
		lines: () =>
			collected
				.join("")
				.split("\n")
				.map((line) => line.replace(/^libbpf: /, "").trim()),
		stop() {
			libbpf_set_print(null);
			koffi.unregister(print);
		},
	};
}
