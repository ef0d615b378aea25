import { readFileSync } from "node:fs";

/** The rights of this process, from /proc/self/status. */
export interface ProcessStatus {
	effectiveUser: number;
	/** Effective, a bit each. */
	capabilities: bigint;
	/** 2: a filter decides about system calls. */
	seccomp: number;
}

/** Without /proc nothing is known to be missing. */
export function processStatus(): ProcessStatus {
	let text: string;
	try {
		text = readFileSync("/proc/self/status", "utf8");
	} catch {
		const effectiveUser = process.geteuid?.() ?? 0;
		return { effectiveUser, capabilities: ALL, seccomp: 0 };
	}
	const field = (name: string, at = 0) =>
		new RegExp(`^${name}:\\s+(.*)$`, "m").exec(text)?.[1]?.split(/\s+/)[at] ??
		"0";
	return {
		effectiveUser: Number(field("Uid", 1)),
		capabilities: BigInt(`0x${field("CapEff")}`),
		seccomp: Number(field("Seccomp")),
	};
}

const ALL = (1n << 64n) - 1n;

/** Bits, as linux/capability.h numbers them. */
const bits = { CAP_NET_ADMIN: 12n, CAP_SYS_ADMIN: 21n, CAP_BPF: 39n } as const;

const has = ({ capabilities }: ProcessStatus, name: keyof typeof bits) =>
	((capabilities >> bits[name]) & 1n) === 1n;

/** Which of the capabilities that BPF programs and tables take are missing. CAP_SYS_ADMIN has CAP_BPF in it. */
export const missingCapabilities = (status: ProcessStatus): string[] => [
	...(has(status, "CAP_BPF") || has(status, "CAP_SYS_ADMIN")
		? []
		: ["CAP_BPF"]),
	...(has(status, "CAP_NET_ADMIN") ? [] : ["CAP_NET_ADMIN"]),
];

export const mayMount = (status: ProcessStatus): boolean =>
	has(status, "CAP_SYS_ADMIN");
