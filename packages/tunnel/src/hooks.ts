import { ask, type Filter, type Qdisc } from "@sluice/iproute";
import { type Direction, directions } from "@sluice/maps/tables";

type Kernel = typeof import("@sluice/maps");

/** One filter of ours on a hook. */
export interface Attached {
	device: string;
	direction: Direction;
	pref: number;
	protocol: string;
	chain: number;
	handle: string;
	programId: number;
	/** The file that it was loaded from, where tc has loaded it. */
	object?: string;
}

/** The program's name in the kernel. */
const programName = (direction: Direction) => `pfc_${direction}`;

/** Every filter of ours on every interface, in the order in which they run. */
export async function attachedPrograms(): Promise<Attached[]> {
	const qdiscs = rowsOf(await ask<Qdisc>("tc", "qdisc", "show"));
	const devices = qdiscs
		.filter(({ kind }) => kind === "clsact" || kind === "ingress")
		.map(({ dev }) => dev);
	const found: Attached[] = [];
	for (const device of devices)
		for (const direction of directions)
			found.push(...(await attachedTo(device, direction)));
	return found;
}

/** The filters of ours on one hook, in the order in which they run. */
export async function attachedTo(
	device: string,
	direction: Direction,
): Promise<Attached[]> {
	const answer = await ask<Filter>(
		"tc",
		...["filter", "show", "dev", device, direction],
	);
	return rowsOf(answer).flatMap(({ pref, protocol, chain = 0, options }) =>
		options?.prog?.name === programName(direction)
			? {
					device,
					direction,
					pref,
					protocol,
					chain,
					handle: options.handle ?? "0x1",
					programId: options.prog.id,
					...(options.bpf_name && {
						object: options.bpf_name.replace(/:.*/, ""),
					}),
				}
			: [],
	);
}

/** An interface may go while it is looked at: then it has no filters. */
const rowsOf = <T>(answer: { rows: T[] } | { failed: string }): T[] =>
	"rows" in answer ? answer.rows : [];

/** The maps that a program uses: name, as far as the kernel keeps it, and id. */
export function mapsOf(
	kernel: Kernel,
	programId: number,
): { name: string; id: number }[] {
	const program = kernel.openProgramById(programId);
	try {
		return kernel.programInfo(program).mapIds.map((id) => {
			const map = kernel.openMapById(id);
			try {
				return { id, name: kernel.mapInfo(map).name };
			} finally {
				kernel.close(map);
			}
		});
	} finally {
		kernel.close(program);
	}
}
