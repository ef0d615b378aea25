import { closeSync } from "node:fs";
import { lazily } from "./libbpf.js";

// What the kernel can do, found by trying: nothing that is made for a trial stays.

/** `BPF_PROG_TYPE_SCHED_CLS`: programs of tc. */
const SCHED_CLS = 3;

const bpf_prog_load = lazily(
	"int bpf_prog_load(int type, const char *name, const char *license, const void *insns, size_t count, const void *opts)",
);
const libbpf_probe_bpf_helper = lazily(
	"int libbpf_probe_bpf_helper(int type, int helper, const void *opts)",
);

/** `r0 = 0; exit`. */
const NOTHING = Buffer.from("b7000000000000009500000000000000", "hex");

/**
 * Loads a tc program that does nothing, and frees it.
 * @returns 0, or the errno with which the kernel refused
 */
export function tryProgram(): number {
	const fd: number = bpf_prog_load(
		SCHED_CLS,
		"probe",
		"GPL",
		NOTHING,
		NOTHING.length / 8,
		null,
	);
	if (fd < 0) return -fd;
	closeSync(fd);
	return 0;
}

/** Whether tc programs may call this helper, by its number in `enum bpf_func_id`. */
export const hasTcHelper = (helper: number): boolean =>
	libbpf_probe_bpf_helper(SCHED_CLS, helper, null) === 1;
