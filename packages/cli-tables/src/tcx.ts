import { Failure, type Kernel, noInterface } from "@sluice/cli-kit";
import type { Direction } from "@sluice/maps/tables";
import { tcxProgramsOn } from "@sluice/tunnel/hooks";

/** Index of lo in every network namespace. */
const LOOPBACK = 1;

/** @throws Failure environment */
export function requireTcx(kernel: Kernel): void {
	if (kernel.tcxPrograms(LOOPBACK, "ingress")) return;
	throw new Failure("environment", "the kernel has no tcx", {
		hint: "Linux 6.6 and later have it; attach without --tcx",
	});
}

/**
 * Attaches a pinned program behind those of other names, or in the place of the first of its own name in one step.
 * Further ones of its name are detached.
 * @returns its id
 * @throws Failure environment the kernel has no tcx; missing no such interface
 * @throws BpfError ENOENT no such pin
 */
export function attachPinned(
	kernel: Kernel,
	device: string,
	direction: Direction,
	pin: string,
): number {
	requireTcx(kernel);
	const ifindex = indexOf(kernel, device);
	const program = kernel.openPin(pin);
	try {
		const { id, name } = kernel.programInfo(program);
		const there = tcxProgramsOn(kernel, device, direction)
			.filter((one) => one.name === name)
			.map(({ programId }) => programId);
		const isThere = there.includes(id);
		const [replaced] = isThere ? [] : there;
		if (replaced !== undefined)
			withProgram(kernel, replaced, (old) =>
				kernel.attachTcx(program, ifindex, direction, old),
			);
		else if (!isThere) kernel.attachTcx(program, ifindex, direction);
		for (const other of there)
			if (other !== id && other !== replaced)
				detachProgram(kernel, device, direction, other);
		return id;
	} finally {
		kernel.close(program);
	}
}

/** @throws Failure missing no such interface, or the program is not there */
export function detachProgram(
	kernel: Kernel,
	device: string,
	direction: Direction,
	program: number,
): void {
	const ifindex = indexOf(kernel, device);
	if (!kernel.tcxPrograms(ifindex, direction)?.includes(program))
		throw new Failure(
			"missing",
			`program ${program} is not attached to ${device} ${direction} by tcx`,
			{ hint: 'see "cli_tables hooks"' },
		);
	withProgram(kernel, program, (fd) =>
		kernel.detachTcx(fd, ifindex, direction),
	);
}

function withProgram(
	kernel: Kernel,
	id: number,
	work: (fd: number) => void,
): void {
	const fd = kernel.openProgramById(id);
	try {
		work(fd);
	} finally {
		kernel.close(fd);
	}
}

function indexOf(kernel: Kernel, device: string): number {
	const ifindex = kernel.interfaceIndex(device);
	if (ifindex === undefined) throw noInterface(device);
	return ifindex;
}
