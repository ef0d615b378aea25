import { readFileSync, writeFileSync } from "node:fs";
import type { Host } from "@sluice/testbed";

const SWITCH = "/proc/sys/kernel/bpf_stats_enabled";

/**
 * Has the kernel keep the time while `act` runs. It does so for every program on the machine, so it is switched back
 * as it was, also when we are stopped.
 */
export async function withProgramTimes<T>(act: () => Promise<T>): Promise<T> {
	const before = readFileSync(SWITCH, "utf8");
	const restore = () => writeFileSync(SWITCH, before);
	process.once("exit", restore);
	writeFileSync(SWITCH, "1");
	try {
		return await act();
	} finally {
		restore();
		process.off("exit", restore);
	}
}

/** A TC program on a hook of a host. */
export type Hook = {
	host: Host;
	name: string;
	direction: "ingress" | "egress";
	/** The program's name. */
	program: string;
};

type RunTime = { ns: number; runs: number };

/** What a hook's programs took so far, while the kernel kept the time. */
export async function runTime({
	host,
	name,
	direction,
	program: wanted,
}: Hook): Promise<RunTime> {
	const filters: Filter[] = await json(host, "tc", [
		...["-j", "filter", "show", "dev", name, direction],
	]);
	const total = { ns: 0, runs: 0 };
	for (const { options } of filters) {
		const id = options?.prog?.id;
		if (id === undefined) continue;
		const program = await json(host, "bpftool", [
			...["-j", "prog", "show", "id", String(id)],
		]);
		if (program.name !== wanted) continue;
		total.ns += program.run_time_ns ?? 0;
		total.runs += program.run_cnt ?? 0;
	}
	return total;
}

type Filter = { options?: { prog?: { id: number } } };

async function json(host: Host, file: string, args: string[]) {
	return JSON.parse((await host.run(file, args)).stdout);
}
