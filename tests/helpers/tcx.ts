import { spawnSync } from "node:child_process";
import type { Host } from "@sluice/testbed";
import type { ExecutionContext } from "ava";
import { bin, cli } from "./cli.js";
import { bpfTest, fails, hostWith, programs } from "./scripts.js";

/** Linux 6.6 and later have tcx. */
export const hasTcx = () =>
	spawnSync(process.execPath, [bin("cli_tables"), "hooks"]).status === 0;

/** A test of what is attached by tcx. A kernel without it refuses, and says so. */
export const tcxTest: typeof bpfTest = (title, implementation) =>
	bpfTest(title, (t) => (hasTcx() ? implementation(t) : refused(t)));

async function refused(t: ExecutionContext): Promise<void> {
	const host = await hostWith(t);
	await fails(
		t,
		host,
		["attach_tc", "eth0", "--tcx"],
		4,
		"attach_tc.sh: the kernel has no tcx; Linux 6.6 and later have it; attach without --tcx",
	);
}

/** A program that is attached by tcx. */
export type TcxProgram = { programId: number; name: string };

/** Those of one hook, in the order in which they run. */
export async function tcxPrograms(
	host: Host,
	direction: "ingress" | "egress",
	device = "eth0",
): Promise<TcxProgram[]> {
	const { stdout } = await cli(host, "cli_tables hooks --json");
	const all = JSON.parse(stdout).programs as ({
		device: string;
		direction: string;
	} & TcxProgram)[];
	return all.filter(
		(one) => one.device === device && one.direction === direction,
	);
}

/** Every program on a hook in the order in which they run: "tcx pfc_ingress", "7717 pfc_ingress". */
export async function inOrder(
	host: Host,
	direction: "ingress" | "egress",
	device = "eth0",
): Promise<string[]> {
	const first = await tcxPrograms(host, direction, device);
	return [
		...first.map(({ name }) => `tcx ${name}`),
		...(await programs(host, direction, device)),
	];
}

/** What the hooks of eth0 have where ours are attached by tcx, and as filters. */
export const byTcx = [["tcx pfc_ingress"], ["tcx pfc_egress"]] as const;
export const asFilters = [["7717 pfc_ingress"], ["7717 pfc_egress"]] as const;

/** That the hooks of eth0 have these programs. */
export async function has(
	t: ExecutionContext,
	host: Host,
	ingress: readonly string[],
	egress: readonly string[],
): Promise<void> {
	t.deepEqual(await inOrder(host, "ingress"), [...ingress]);
	t.deepEqual(await inOrder(host, "egress"), [...egress]);
}

/** Loads a compiled program, and attaches it behind what is attached by tcx. */
export async function addByTcx(
	host: Host,
	directory: string,
	name: string,
	direction: "ingress" | "egress",
): Promise<void> {
	const pin = `/sys/fs/bpf/${name}_${direction}`;
	await host.run("bpftool", [
		...["prog", "load", `${directory}/${name}.o`, pin, "type", "classifier"],
	]);
	await cli(host, `cli_tables attach eth0 ${direction} ${pin}`);
	await host.run("rm", [pin]);
}
