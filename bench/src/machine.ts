import { cpus, release, totalmem } from "node:os";

/** What the figures were measured on. */
export type Machine = {
	kernel: string;
	cpu: string;
	cores: number;
	memoryGiB: number;
	node: string;
};

export function machine(): Machine {
	return {
		kernel: release(),
		cpu: cpus()[0]?.model.trim() ?? "unknown",
		cores: cpus().length,
		memoryGiB: Math.round(totalmem() / 2 ** 30),
		node: process.version,
	};
}

export function machineLine(m: Machine): string {
	return `kernel ${m.kernel}, ${m.cores} × ${m.cpu}, ${m.memoryGiB} GiB, Node ${m.node}`;
}
