import { ask, type Filter, type Qdisc } from "@sluice/iproute";
import { type Direction, directions } from "@sluice/maps/tables";

type Kernel = typeof import("@sluice/maps");

/** A program of ours on a hook. */
export interface Attached extends Attachment {
	/** Where tc has it; undefined: it is attached by tcx. */
	filter?: { pref: number; protocol: string; chain: number; handle: string };
	/** The file that it was loaded from, where tc has loaded it. */
	object?: string;
}

/** A program on a hook. */
export interface Attachment {
	device: string;
	direction: Direction;
	programId: number;
}

/** The program's name in the kernel. */
export const programName = (direction: Direction) => `pfc_${direction}`;

/** Every program of ours on every interface; those of one hook in the order in which they run. */
export async function attachedPrograms(kernel: Kernel): Promise<Attached[]> {
	const qdiscs = rowsOf(await ask<Qdisc>("tc", "qdisc", "show"));
	const devices = qdiscs
		.filter(({ kind }) => kind === "clsact" || kind === "ingress")
		.map(({ dev }) => dev);
	const found: Attached[] = allTcxPrograms(kernel).filter(isOurs);
	for (const device of devices)
		for (const direction of directions)
			found.push(...(await filtersOn(device, direction)));
	return found;
}

/** The programs of ours on one hook, in the order in which they run. */
export async function attachedTo(
	kernel: Kernel,
	device: string,
	direction: Direction,
): Promise<Attached[]> {
	return [
		...tcxProgramsOn(kernel, device, direction).filter(isOurs),
		...(await filtersOn(device, direction)),
	];
}

const isOurs = ({ direction, name }: TcxProgram) =>
	name === programName(direction);

/** A program that is attached by tcx, with its name in the kernel. */
export interface TcxProgram extends Attachment {
	name: string;
}

/** Those of all interfaces, ours and others'. */
export const allTcxPrograms = (kernel: Kernel): TcxProgram[] =>
	kernel
		.interfaceNames()
		.flatMap((device) =>
			directions.flatMap((direction) =>
				tcxProgramsOn(kernel, device, direction),
			),
		);

/** Those of one hook, in the order in which they run. */
export function tcxProgramsOn(
	kernel: Kernel,
	device: string,
	direction: Direction,
): TcxProgram[] {
	const ifindex = kernel.interfaceIndex(device);
	if (ifindex === undefined) return [];
	const ids = unless(["ENODEV", "EPERM"], () =>
		kernel.tcxPrograms(ifindex, direction),
	);
	return (ids ?? []).flatMap((programId) => {
		const name = unless(["ENOENT", "EPERM"], () => nameOf(kernel, programId));
		return name === undefined ? [] : { device, direction, programId, name };
	});
}

/**
 * Interfaces and programs may go while they are looked at. Without CAP_NET_ADMIN and CAP_SYS_ADMIN none is seen, as tc
 * names none of its own.
 */
function unless<T>(codes: readonly string[], look: () => T): T | undefined {
	try {
		return look();
	} catch (error) {
		if (codes.includes((error as { code?: string }).code ?? "")) return;
		throw error;
	}
}

function nameOf(kernel: Kernel, programId: number): string {
	const program = kernel.openProgramById(programId);
	try {
		return kernel.programInfo(program).name;
	} finally {
		kernel.close(program);
	}
}

/** The filters of ours on one hook, in the order in which they run. */
async function filtersOn(
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
					programId: options.prog.id,
					filter: { pref, protocol, chain, handle: options.handle ?? "0x1" },
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
