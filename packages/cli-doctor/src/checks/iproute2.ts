import { execa } from "execa";
import type { Check } from "../finding.js";
import { install } from "../install.js";
import { CannotLook } from "../world.js";

const packages = { apt: "iproute2", dnf: "iproute-tc", apk: "iproute2" };

/** The programs are attached by tc, which must know objects with typed maps. */
export const iproute2: Check = {
	name: "iproute2",
	async look() {
		const { stdout, stderr, exitCode, code } = await execa("tc", ["-V"], {
			reject: false,
		});
		if (code === "ENOENT")
			return [
				{
					code: "iproute2-missing",
					message: "there is no tc (iproute2), which attaches the programs",
					fix: install(packages),
				},
			];
		// Without its libbpf it does not start.
		if (exitCode !== 0) throw new CannotLook(`tc -V: ${stderr}`);
		// "tc utility, iproute2-6.1.0, libbpf 1.1.2"
		if (/libbpf [1-9]/.test(stdout)) return [];
		return [
			{
				code: "iproute2-old",
				message: `tc is built without libbpf 1.0 or later ("${stdout}"), and cannot load the programs`,
				fix: install(packages),
			},
		];
	},
};
