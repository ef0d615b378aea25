import { existsSync } from "node:fs";
import { release } from "node:os";
import { execa } from "execa";
import type { Check, Finding } from "../finding.js";
import { CannotLook } from "../world.js";

/** `enum bpf_func_id`. */
const REDIRECT_NEIGH = 152;
const CHECK_MTU = 163;

const boot = "apt-get install -y linux-image-generic && reboot";
const bootDebian = "apt-get install -y linux-image-amd64 && reboot";
const newKernel = () =>
	existsSync("/etc/debian_version") && !existsSync("/etc/lsb-release")
		? bootDebian
		: boot;

const missing = (code: string, message: string): Finding => ({
	code,
	message,
	fix: newKernel(),
});

/** What the tunnel programs call. */
export const kernelVersion: Check = {
	name: "kernel version",
	look(world) {
		const kernel = world.willing;
		if (kernel.hasTcHelper(REDIRECT_NEIGH) && kernel.hasTcHelper(CHECK_MTU))
			return [];
		return [
			missing(
				"kernel-old",
				`the kernel is ${release()}; the tunnel programs take 5.12 or later`,
			),
		];
	},
};

/** DUMP writes its snapshots into one. */
export const ringBuffer: Check = {
	name: "ring buffer",
	look: ({ willing }) =>
		willing.hasMapType("ringbuf")
			? []
			: [missing("kernel-ringbuf", "the kernel has no BPF ring buffers")],
};

/** The hook of tubectl. */
export const skLookup: Check = {
	name: "sk_lookup",
	look: ({ willing }) =>
		willing.hasProgramType("sk_lookup")
			? []
			: [
					missing(
						"kernel-sk-lookup",
						"the kernel has no sk_lookup programs, which tubectl loads (5.9 or later)",
					),
				],
};

/** Objects carry type information, which the kernel checks maps by. */
export const btf: Check = {
	name: "BTF",
	look: () =>
		existsSync("/sys/kernel/btf/vmlinux")
			? []
			: [
					missing(
						"kernel-btf",
						"the kernel has no type information at /sys/kernel/btf/vmlinux (CONFIG_DEBUG_INFO_BTF)",
					),
				],
};

/** Tries both in a network namespace that goes with the attempt. */
const TRY = `ip link set lo up && tc qdisc add dev lo clsact &&
	tc filter add dev lo ingress bpf bytecode '1,6 0 0 0,'`;

/** The hooks that the tunnel programs are attached to. */
export const clsBpf: Check = {
	name: "clsact, cls_bpf",
	async look(world) {
		world.rights;
		const { exitCode, stderr, code } = await execa(
			"unshare",
			["--net", "sh", "-c", TRY],
			{ reject: false },
		);
		if (exitCode === 0) return [];
		if (code === "ENOENT" || /unshare|not found/.test(stderr))
			throw new CannotLook("no namespace to try it in");
		return [
			{
				code: "kernel-cls-bpf",
				message:
					"the kernel has no clsact qdisc or no cls_bpf filter, which the programs are attached by",
				fix: "modprobe sch_ingress && modprobe cls_bpf",
			},
		];
	},
};
