import { readFileSync } from "node:fs";
import type { Check } from "../finding.js";

const STATE = "/sys/kernel/security/lockdown";

/**
 * Linux itself takes our programs in either mode. Distributions' kernels with the lockdown patches from before 5.4
 * refuse bpf() altogether, and so do security modules that go by the mode; the errno is the same for all reasons.
 */
export const lockdown: Check = {
	name: "lockdown",
	look(world) {
		const mode = lockdownMode();
		if (mode === undefined || mode === "none" || world.trial() === 0) return [];
		return [
			{
				code: "lockdown",
				message: `the kernel is locked down (${mode}), and refuses programs`,
				fix: byParameter()
					? "sed -i 's/ *lockdown=[a-z]*//' /etc/default/grub && update-grub && reboot"
					: "mokutil --disable-validation && reboot",
			},
		];
	},
};

/** "none [integrity] confidentiality" → "integrity"; undefined for a kernel without lockdown. */
function lockdownMode(): string | undefined {
	try {
		return /\[(\w+)\]/.exec(readFileSync(STATE, "utf8"))?.[1];
	} catch {
		return undefined;
	}
}

/** Whether a boot parameter has set it; otherwise Secure Boot has, which mokutil switches off. */
const byParameter = () =>
	/\blockdown=/.test(readFileSync("/proc/cmdline", "utf8"));
