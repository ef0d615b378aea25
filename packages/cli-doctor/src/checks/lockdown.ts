import { readFileSync } from "node:fs";
import type { Check } from "../finding.js";

const STATE = "/sys/kernel/security/lockdown";

/** Some distributions' kernels refuse bpf() altogether when they are locked down. */
export const lockdown: Check = {
	name: "lockdown",
	look(world) {
		const mode = lockdownMode();
		if (mode === undefined || mode === "none" || world.trial() === 0) return [];
		return [
			{
				code: "lockdown",
				message: `the kernel is locked down (${mode}), and refuses programs`,
				fix: "sed -i 's/ *lockdown=[a-z]*//' /etc/default/grub && update-grub && reboot",
			},
		];
	},
};

/** "none [integrity] confidentiality" → "integrity"; undefined for a kernel that knows no lockdown. */
function lockdownMode(): string | undefined {
	try {
		return /\[(\w+)\]/.exec(readFileSync(STATE, "utf8"))?.[1];
	} catch {
		return undefined;
	}
}
