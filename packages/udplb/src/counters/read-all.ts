import type { Kernel } from "@sluice/cli-kit";
import { Failure } from "@sluice/cli-kit";
import { pinDirectory, pinnedInterfaces } from "../tables/pins.js";
import {
	type Counters,
	closeCounters,
	openCounters,
	readCounters,
} from "./counters.js";

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
	const index = name === undefined ? undefined : kernel.interfaceIndex(name);
	const wanted = pinnedInterfaces(bpffs).flatMap((one) => {
		const device = kernel.interfaceName(one);
		const meant = name === undefined || one === index;
		return device !== undefined && meant ? [{ device, index: one }] : [];
	});
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
	wanted.sort((a, b) => (a.device < b.device ? -1 : 1));
	return wanted.map(({ device, index }) => {
		const directory = pinDirectory(bpffs, index);
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
