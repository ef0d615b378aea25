import { BpfError } from "@sluice/maps/errors";
import type { Check } from "../finding.js";
import { install } from "../install.js";

/** libbpf 1.x is what talks to the kernel, for tc and for the tools. */
export const libbpf: Check = {
	name: "libbpf",
	look({ binding }) {
		if (!(binding instanceof BpfError)) return [];
		return [
			{
				code: "libbpf-missing",
				message: "there is no libbpf.so.1 (libbpf 1.0 or later)",
				fix: install({ apt: "libbpf1", dnf: "libbpf", apk: "libbpf" }),
			},
		];
	},
};
