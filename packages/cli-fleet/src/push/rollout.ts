import { badInput } from "@sluice/cli-kit";

/** Machines in the order in which they are pushed; each group has applied before the next begins. */
export interface Rollout {
	canary: readonly string[];
	/** How many at a time, or a share of all; undefined: all at once. */
	batch: { machines: number } | { percent: number } | undefined;
}

/** Reads `3` or `10%`. @throws Failure usage */
export function batchOf(text: string): NonNullable<Rollout["batch"]> {
	const [, number, percent] = /^([1-9]\d{0,5})(%?)$/.exec(text) ?? [];
	if (number !== undefined && (!percent || Number(number) <= 100))
		return percent ? { percent: Number(number) } : { machines: Number(number) };
	throw badInput(
		`batch must be a number of machines, or a share from 1% to 100%, got "${text}"`,
	);
}

/** @throws Failure usage: a canary is not among them */
export function groupsOf<T extends { name: string }>(
	machines: readonly T[],
	{ canary, batch }: Rollout,
): T[][] {
	for (const name of canary)
		if (!machines.some((one) => one.name === name))
			throw badInput(
				`canary "${name}" is none of the machines that are pushed`,
			);
	const first = machines.filter(({ name }) => canary.includes(name));
	const rest = machines.filter(({ name }) => !canary.includes(name));
	const size = !batch
		? rest.length
		: "machines" in batch
			? batch.machines
			: Math.max(1, Math.floor((machines.length * batch.percent) / 100));
	const groups = first.length > 0 ? [first] : [];
	for (let from = 0; from < rest.length; from += size)
		groups.push(rest.slice(from, from + size));
	return groups;
}
