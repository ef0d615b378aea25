import { Failure, type Kernel, noInterface } from "@sluice/cli-kit";
import type { Direction } from "@sluice/maps/tables";
import { programName, tcxProgramsOn } from "@sluice/tunnel/hooks";

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
 * Attaches a pinned program behind others', or in the place of the one of ours that is there, in one step.
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
		const { id } = kernel.programInfo(program);
		const there = tcxProgramsOn(kernel, device, direction);
		const replaced = there.find(({ name }) => name === programName(direction));
		if (there.some(({ programId }) => programId === id)) return id;
		if (!replaced) kernel.attachTcx(program, ifindex, direction);
		else
			withProgram(kernel, replaced.programId, (old) =>
				kernel.attachTcx(program, ifindex, direction, old),
			);
		return id;
	} finally {
		kernel.close(program);
	}
}

/** @throws Failure missing no such interface @throws BpfError ENOENT the program is not there */
export function detachProgram(
	kernel: Kernel,
	device: string,
	direction: Direction,
	program: number,
): void {
	const ifindex = indexOf(kernel, device);
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
