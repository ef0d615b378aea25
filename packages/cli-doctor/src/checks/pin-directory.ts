import { accessSync, constants, existsSync, statSync } from "node:fs";
import { isBpffs } from "@sluice/maps/bpffs";
import type { Check } from "../finding.js";
import { quoted } from "../shell.js";

/** Programs are attached and tables written by root, or whoever owns the pins. */
export const pinDirectory: Check = {
	name: "pin directory",
	look({ bpffs, pins, status }) {
		if (!isBpffs(bpffs)) return [];
		if (isReadOnly(bpffs))
			return [
				{
					code: "bpffs-read-only",
					message: `the bpffs at ${bpffs} is mounted read-only: nothing can be pinned there`,
					fix: `mount -o remount,rw ${quoted(bpffs)}`,
				},
			];
		if (!existsSync(pins)) return [];
		const { uid } = statSync(pins);
		if (uid === 0 || uid === status.effectiveUser) return [];
		return [
			{
				code: "pins-foreign",
				message: `${pins} belongs to user ${uid}, who can replace the tables`,
				fix: `chown -R 0:0 ${quoted(pins)}`,
			},
		];
	},
};

function isReadOnly(directory: string): boolean {
	try {
		accessSync(directory, constants.W_OK);
		return false;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === "EROFS";
	}
}
