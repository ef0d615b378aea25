import { setTimeout as sleep } from "node:timers/promises";
import { type Direction, type Outcome, statsRow } from "@sluice/maps/tables";
import type { Host } from "@sluice/testbed";
import { cli } from "./cli.js";

export type Traffic = { packets: bigint; bytes: bigint };

/** What crossed a tunnel at a host, by direction. */
export async function crossed(
	host: Host,
	tunnel: number,
): Promise<{ ingress: Traffic; egress: Traffic }> {
	const { stdout } = await cli(host, `cli_tunnel stats ${tunnel} --json`);
	const [row] = JSON.parse(stdout).tunnels;
	const traffic = (of: { packets: string; bytes: string }): Traffic => ({
		packets: BigInt(of.packets),
		bytes: BigInt(of.bytes),
	});
	return { ingress: traffic(row.ingress), egress: traffic(row.egress) };
}

/** How many packets had an outcome at a host. */
export async function counterOf(
	host: Host,
	direction: Direction,
	outcome: Outcome,
): Promise<number> {
	const key = Buffer.alloc(4);
	// The machine's byte order, which is this one on x86-64 and arm64.
	key.writeUInt32LE(statsRow(direction, outcome));
	const { stdout } = await host.run("bpftool", [
		...["--json", "map", "lookup", "pinned"],
		...["/sys/fs/bpf/tc/globals/map_stats", "key", ...[...key].map(String)],
	]);
	const { values } = JSON.parse(stdout) as { values: { value: string[] }[] };
	return values
		.map(({ value }) => Buffer.from(value.map(Number)).readBigUInt64LE())
		.reduce((sum, count) => sum + Number(count), 0);
}

/** How many packets had each of the outcomes at ingress of a host while `act` ran. */
export async function during(
	host: Host,
	outcomes: readonly Outcome[],
	act: () => Promise<unknown>,
): Promise<number[]> {
	const look = async () => {
		const counts = [];
		for (const outcome of outcomes)
			counts.push(await counterOf(host, "ingress", outcome));
		return counts;
	};
	const before = await look();
	await act();
	const after = await look();
	return after.map((count, i) => count - (before[i] as number));
}

/** Waits until no socket for datagrams holds one that has arrived. */
export async function queuesEmpty(host: Host): Promise<void> {
	for (;;) {
		const { stdout } = await host.run("ss", ["-Huln"]);
		const queues = stdout.split("\n").map((line) => line.split(/\s+/)[1]);
		if (queues.every((bytes) => bytes === undefined || bytes === "0")) return;
		await sleep(20);
	}
}

/** Waits until the node's backend has answered all that its socket holds. */
export async function quiet(node: Host): Promise<void> {
	for (let before = -1, now = 0; now !== before; ) {
		before = now;
		await queuesEmpty(node);
		await sleep(500);
		now = await counterOf(node, "egress", "encapsulated");
	}
}

/** Packets that one end of a tunnel has encapsulated, and that the other has decapsulated. */
export const acrossTunnel = async (from: Host, to: Host) => ({
	encapsulated: await counterOf(from, "egress", "encapsulated"),
	decapsulated: await counterOf(to, "ingress", "decapsulated"),
});
