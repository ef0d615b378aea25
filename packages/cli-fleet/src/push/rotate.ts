import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure, missing } from "@sluice/cli-kit";
import type { Etcd } from "../etcd/etcd.js";
import type { Paths } from "../rows/paths.js";
import { currentOf, push } from "./push.js";
import { waitForAgents } from "./wait.js";

/** A service's row of keys in the store: the first is sent, the second is accepted, too. */
interface KeysRow {
	keys: readonly [{ hex: string }, { hex: string }?];
	/** Signs the service's pings; a rotation leaves it as it is. */
	signingKey?: { hex: string };
	/** Of a rotation, the step that was done last. */
	phase?: "prepare" | "switch";
	link?: string;
}

/** The steps of a rotation, each on every machine of the service before the next begins. */
const phases = ["prepare", "switch", "finish"] as const;
export type Phase = (typeof phases)[number];

/** The machines that have a service. @throws Failure missing: none has */
async function machinesOf(
	etcd: Etcd,
	paths: Paths,
	sid: string,
): Promise<string[]> {
	const names = [...(await etcd.list(paths.names)).rows.keys()];
	const found = await etcd.getMany(
		names.map((name) => `${paths.machine(name)}keys/${sid}`),
	);
	const machines = names.filter((name) =>
		found.has(`${paths.machine(name)}keys/${sid}`),
	);
	if (machines.length === 0)
		throw missing(`no machine has service ${sid.replace(".", " ")}`);
	return machines;
}

/** Every service that is a link's. */
export async function linkedSids(etcd: Etcd, paths: Paths): Promise<string[]> {
	const { rows } = await etcd.list(paths.link(""));
	return [...rows.values()].map(
		(value) => (JSON.parse(value) as { sid: string }).sid,
	);
}

/**
 * Gives a service a new key on all its machines, without a packet being refused meanwhile: both keys are accepted
 * everywhere before the new one is sent, and the old one is sent nowhere when it is dropped. A rotation that was
 * interrupted is continued.
 *
 * @param idle seconds between the last switch and the end, for packets in flight
 * @param begin called before each step
 * @throws Failure failed: an agent refused a step, or did not answer; all ends accept what the others send
 */
export async function rotateService(
	etcd: Etcd,
	paths: Paths,
	sid: string,
	seconds: number,
	idle: number,
	begin: (phase: Phase, machines: readonly string[]) => void,
): Promise<void> {
	const machines = await machinesOf(etcd, paths, sid);
	const [old, next] = await rotationOf(etcd, paths, machines, sid);
	const steps: Record<Phase, KeysRow> = {
		prepare: { keys: [{ hex: old }, { hex: next }], phase: "prepare" },
		switch: { keys: [{ hex: next }, { hex: old }], phase: "switch" },
		finish: { keys: [{ hex: next }] },
	};
	for (const phase of phases) {
		if (phase === "finish") await sleep(1000 * idle);
		begin(phase, machines);
		const wanted = new Map<string, number>();
		for (const machine of machines) {
			const current = await currentOf(etcd, paths, machine);
			const row = current.rows.get(`keys/${sid}`);
			if (row === undefined) continue;
			const { signingKey, link } = rowOf(row);
			// Of an interrupted rotation, a machine that is further stays so.
			if (progress(rowOf(row), next) > phases.indexOf(phase)) continue;
			const rows = new Map(current.rows).set(
				`keys/${sid}`,
				JSON.stringify({ ...steps[phase], signingKey, link }),
			);
			const { generation } = await push(etcd, paths, machine, current, rows);
			wanted.set(machine, generation);
		}
		await waitForAgents(etcd, paths, wanted, seconds);
	}
}

const rowOf = (row: string) => JSON.parse(row) as KeysRow;

/** How many steps of the rotation to a key are done. */
const progress = ({ keys: [own], phase }: KeysRow, next: string) =>
	phase ? phases.indexOf(phase) + 1 : own.hex === next ? phases.length : 0;

/** The old and the new key: those of a started rotation, or a generated one. */
async function rotationOf(
	etcd: Etcd,
	paths: Paths,
	machines: readonly string[],
	sid: string,
): Promise<[old: string, next: string]> {
	const found = await etcd.getMany(
		machines.map((name) => `${paths.machine(name)}keys/${sid}`),
	);
	const rows = [...found.values()].map(({ value }) => rowOf(value));
	for (const { keys, phase } of rows) {
		const [first, second] = keys;
		if (second && phase === "prepare") return [first.hex, second.hex];
		if (second && phase === "switch") return [second.hex, first.hex];
	}
	const distinct = new Set(rows.map(({ keys: [own] }) => own.hex));
	const [old] = distinct;
	if (distinct.size === 1 && old) return [old, randomBytes(16).toString("hex")];
	throw new Failure(
		"failed",
		`the machines of service ${sid.replace(".", " ")} have ${distinct.size} keys`,
		{ code: "KEYS_DIFFER", hint: "push the same key to all of them first" },
	);
}
