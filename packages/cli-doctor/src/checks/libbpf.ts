import { BpfError } from "@sluice/maps/errors";
import type { Check } from "../finding.js";
import { install } from "../install.js";

/** tc and the commands use libbpf 1.x. */
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
