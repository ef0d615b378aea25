import type { Check } from "../finding.js";
import { missingCapabilities } from "../process-status.js";
import { rerun } from "../rerun.js";

/** Programs and tables take CAP_BPF, hooks CAP_NET_ADMIN. */
export const capabilities: Check = {
	name: "capabilities",
	look({ status }) {
		const missing = missingCapabilities(status);
		if (missing.length === 0) return [];
		return [
			{
				code: "capability-missing",
				message: `this process lacks ${missing.join(" and ")}`,
				fix: status.effectiveUser === 0 ? rerun() : "sudo cli_doctor",
			},
		];
	},
};
