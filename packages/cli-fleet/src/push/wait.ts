import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "@sluice/cli-kit";
import type { AgentStatus } from "../agent/status.js";
import type { Etcd } from "../etcd/etcd.js";
import type { Paths } from "../rows/paths.js";

/** Milliseconds between two looks at the agents. */
const LOOK = 50;

/**
 * Waits until agents have applied the push.
 * @param wanted generation by machine
 * @param seconds after which those that have not are named
 * @throws Failure failed: REFUSED an agent has refused it; TIMEOUT an agent has not answered
 */
export async function waitForAgents(
	etcd: Etcd,
	paths: Paths,
	wanted: ReadonlyMap<string, number>,
	seconds: number,
): Promise<void> {
	const until = performance.now() + 1000 * seconds;
	const open = new Map(wanted);
	for (;;) {
		const refusals: string[] = [];
		for (const [machine, status] of await statusesOf(etcd, paths, [
			...open.keys(),
		])) {
			const generation = open.get(machine) as number;
			if (status.applied >= generation && !status.refused) open.delete(machine);
			else if (status.refused && status.refused.generation >= generation)
				refusals.push(
					`${machine} refused generation ${generation}: ${status.refused.message} (${status.refused.code})`,
				);
		}
		if (refusals.length > 0)
			throw new Failure("failed", refusals, { code: "REFUSED" });
		if (open.size === 0) return;
		if (performance.now() > until)
			throw new Failure(
				"failed",
				`${[...open.keys()].join(", ")}: not applied within ${seconds} s`,
				{ code: "TIMEOUT", hint: "see cli_fleet status" },
			);
		await sleep(LOOK);
	}
}

/** The last status of agents, without silent ones. */
export async function statusesOf(
	etcd: Etcd,
	paths: Paths,
	machines: readonly string[],
): Promise<Map<string, AgentStatus>> {
	const found = await etcd.getMany(
		machines.map((machine) => `${paths.status(machine)}agent`),
	);
	return new Map(
		machines.flatMap((machine) => {
			const value = found.get(`${paths.status(machine)}agent`)?.value;
			return value
				? [[machine, JSON.parse(value) as AgentStatus] as const]
				: [];
		}),
	);
}
