import { release } from "node:os";
import { execa } from "execa";
import type { Check } from "../finding.js";
import { install, newKernel } from "../install.js";
import { CannotLook } from "../world.js";

/** `enum bpf_func_id`. */
const REDIRECT_NEIGH = 152;
const CHECK_MTU = 163;

/**
 * What the tunnel programs call. A kernel that has it (5.12) has the ring buffer (5.8) and the hook of tubectl (5.9),
 * too. These programs do not need its BTF; cli_monitor does, and reports it itself.
 */
export const kernelVersion: Check = {
	name: "kernel version",
	look(world) {
		const kernel = world.willing;
		if (kernel.hasTcHelper(REDIRECT_NEIGH) && kernel.hasTcHelper(CHECK_MTU))
			return [];
		return [
			{
				code: "kernel-old",
				message: `the kernel is ${release()}; the tunnel programs take 5.12 or later`,
				fix: newKernel(),
			},
		];
	},
};

/** Tries both in a temporary network namespace. */
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
				fix: await loadModules(),
			},
		];
	},
};

/** The kernel runs modprobe as well, whose configuration may forbid these modules. */
async function loadModules(): Promise<string> {
	const load = "modprobe sch_ingress && modprobe cls_bpf";
	const { exitCode, code } = await execa(
		"modprobe",
		["--dry-run", "--quiet", "--all", "sch_ingress", "cls_bpf"],
		{ reject: false },
	);
	if (code === "ENOENT")
		return `${install({ apt: "kmod", dnf: "kmod", apk: "kmod" })} && ${load}`;
	return exitCode === 0 ? load : newKernel();
}
