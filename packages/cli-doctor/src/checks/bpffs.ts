import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { netnsOfSys } from "@sluice/cli-kit";
import { isBpffs } from "@sluice/maps/bpffs";
import type { Check } from "../finding.js";
import { mayMount } from "../process-status.js";
import { rerun } from "../rerun.js";
import { quoted } from "../shell.js";

/** Tables outlive their writers in a bpffs only. */
export const bpffs: Check = {
	name: "bpffs",
	look({ bpffs: directory, status }) {
		if (isBpffs(directory)) return [];
		const netns = netnsOfSys();
		const outside = netns && ancestorWith(directory);
		if (outside)
			return [
				{
					code: "bpffs-hidden",
					message: `"ip netns exec ${netns}" has mounted a new /sys over the bpffs at ${directory}`,
					// The shell that it starts has this network namespace, and the mounts from before.
					fix: `nsenter --target=${outside} --mount`,
				},
			];
		const place = quoted(directory);
		const make = existsSync(directory) ? "" : `mkdir -p ${place} && `;
		return [
			{
				code: "bpffs-missing",
				message: `there is no bpffs at ${directory}, where the tables would be pinned`,
				fix:
					status.effectiveUser === 0 && !mayMount(status)
						? rerun(`--volume ${place}:${place}`)
						: `${make}mount -t bpf -o mode=0700 bpf ${place}`,
			},
		];
	},
};

/** The nearest process above this one, in another mount namespace, that has a bpffs there. */
function ancestorWith(directory: string): number | undefined {
	const ours = mountNamespace("self");
	for (let pid = process.ppid; pid > 0; pid = parentOf(pid))
		if (mountNamespace(pid) !== ours && hasBpffs(pid, directory)) return pid;
	return undefined;
}

function mountNamespace(pid: number | "self"): string | undefined {
	try {
		return readlinkSync(`/proc/${pid}/ns/mnt`);
	} catch {
		return undefined;
	}
}

const hasBpffs = (pid: number, directory: string) =>
	textOf(`/proc/${pid}/mountinfo`)
		.split("\n")
		.some(
			(line) => line.split(" ")[4] === directory && line.includes(" - bpf "),
		);

const parentOf = (pid: number) =>
	Number(/^PPid:\s+(\d+)/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0);

function textOf(file: string): string {
	try {
		return readFileSync(file, "utf8");
	} catch {
		return "";
	}
}
