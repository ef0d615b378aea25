import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { isBpffs } from "@sluice/maps/bpffs";
import type { Check, Finding } from "../finding.js";
import { quoted } from "../shell.js";

/** Programs are attached and tables written by root, or by the owner of the pins. */
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
		return [bpffs, dirname(pins), pins]
			.filter((directory) => existsSync(directory))
			.flatMap((directory) => [...foreign(directory, status.effectiveUser)]);
	},
};

function* foreign(directory: string, user: number): Iterable<Finding> {
	const { uid, mode } = statSync(directory);
	if (uid !== 0 && uid !== user)
		yield {
			code: "pins-foreign",
			message: `${directory} belongs to user ${uid}, who can replace the tables`,
			fix: `chown -R 0:0 ${quoted(directory)}`,
		};
	if ((mode & WRITABLE_BY_OTHERS) !== 0)
		yield {
			code: "pins-writable",
			message: `${directory} is writable by others, who can put tables of theirs in the place of ours`,
			fix: `chmod go-w ${quoted(directory)}`,
		};
}

const WRITABLE_BY_OTHERS = 0o022;

function isReadOnly(directory: string): boolean {
	try {
		accessSync(directory, constants.W_OK);
		return false;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === "EROFS";
	}
}
