import { BpfError, errnoName } from "./errors.js";
import koffi from "./koffi.js";
import { lazily } from "./libbpf.js";
import { errno } from "./libc.js";

const btf__load_vmlinux_btf = lazily("void *btf__load_vmlinux_btf()");
const btf__free = lazily("void btf__free(void *btf)");
const btf__find_by_name_kind = lazily(
	"int btf__find_by_name_kind(void *btf, const char *name, uint32_t kind)",
);
const btf__type_by_id = lazily("void *btf__type_by_id(void *btf, uint32_t id)");
const btf__name_by_offset = lazily(
	"const char *btf__name_by_offset(void *btf, uint32_t offset)",
);

/** `BTF_KIND_ENUM` of linux/btf.h. */
const ENUM = 6;
/** `struct btf_type`: name, info, size. */
const TYPE_SIZE = 12;
/** `struct btf_enum`: name, value. */
const MEMBER_SIZE = 8;

/**
 * The names of an enum of the running kernel, by value, as its own type information (BTF) has them.
 * @throws BpfError ENOENT the kernel has no BTF, or no such enum.
 */
export function kernelEnum(name: string): Map<number, string> {
	const btf = btf__load_vmlinux_btf();
	if (!btf)
		throw new BpfError("read the kernel's BTF", errnoName(errno()), {
			environment: true,
		});
	try {
		const id = btf__find_by_name_kind(btf, name, ENUM);
		if (id < 0)
			throw new BpfError(`find enum ${name} of the kernel`, errnoName(-id), {
				environment: true,
			});
		const type = btf__type_by_id(btf, id);
		const count = Buffer.from(koffi.view(type, TYPE_SIZE)).readUInt16LE(4);
		const bytes = Buffer.from(
			koffi.view(type, TYPE_SIZE + count * MEMBER_SIZE),
		);
		const names = new Map<number, string>();
		for (let at = TYPE_SIZE; at < bytes.length; at += MEMBER_SIZE)
			names.set(
				bytes.readUInt32LE(at + 4),
				btf__name_by_offset(btf, bytes.readUInt32LE(at)),
			);
		return names;
	} finally {
		btf__free(btf);
	}
}
