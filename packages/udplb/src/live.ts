import type { Kernel } from "@sluice/cli-kit";
import { Failure } from "@sluice/cli-kit";
import {
	type Counters,
	closeCounters,
	openCounters,
	readCounters,
} from "./counters.js";
import { pinDirectory, pinnedInterfaces } from "./place.js";

/** One interface's counters. */
export interface InterfaceCounters extends Counters {
	interface: string;
}

/**
 * Reads the counters of one interface, or of all that udplb serves in this network namespace. Tables are opened each
 * time: a reload may have put others in their place.
 *
 * @throws Failure environment: udplb serves none, or not this one
 */
export function readAll(
	kernel: Kernel,
	bpffs: string,
	name: string | undefined,
): InterfaceCounters[] {
	const served = pinnedInterfaces(bpffs);
	const wanted =
		name === undefined ? served : served.filter((one) => one === name);
	if (wanted.length === 0)
		throw new Failure(
			"environment",
			name === undefined
				? `udplb serves no interface here: no pins in ${bpffs}/udplb`
				: `udplb does not serve interface "${name}"`,
			{
				code: "NOT_PINNED",
				hint: "start it (udplb -i INTERFACE -c FILE), or name another bpffs with --bpffs",
			},
		);
	return wanted.sort().map((device) => {
		const directory = pinDirectory(bpffs, device);
		const tables = openCounters((table) =>
			kernel.openTable(table, directory, { readOnly: true }),
		);
		try {
			return { interface: device, ...readCounters(tables) };
		} finally {
			closeCounters(tables);
		}
	});
}
