import { Failure } from "@sluice/cli-kit";
import {
	bytes,
	close,
	mapInfo,
	openMapById,
	programInfo,
	u32,
	wrapMap,
} from "@sluice/maps";

/** The program that this control plane drives: `DISPATCHER_VERSION` of `bpf/dispatcher/dispatcher.h`. */
export const DISPATCHER_VERSION = 1;

/**
 * The version in a loaded program's constants; undefined for another tool's program.
 * The kernel's tag of the program would not do: Linux 6.18 computes it in another way.
 *
 * @throws BpfError EPERM without CAP_SYS_ADMIN.
 */
export function programVersion(programFd: number): number | undefined {
	for (const id of programInfo(programFd).mapIds) {
		const fd = openMapById(id);
		const info = mapInfo(fd);
		if (!info.name.endsWith(".rodata") || info.valueSize < u32.size) {
			close(fd);
			continue;
		}
		const constants = wrapMap(
			{
				name: info.name,
				type: "array",
				flags: info.flags,
				key: u32,
				value: bytes(info.valueSize),
			},
			fd,
		);
		const version = constants.get(0)?.readUInt32LE();
		constants.close();
		return version;
	}
	return undefined;
}

/** @throws Failure the program is not one that this control plane may drive. */
export function demandVersion(programFd: number): void {
	const version = programVersion(programFd);
	if (version === DISPATCHER_VERSION) return;
	const found =
		version === undefined
			? "the loaded dispatcher is another tool's"
			: `the loaded dispatcher has version ${version}`;
	throw new Failure(
		"failed",
		`${found}, this tubectl drives version ${DISPATCHER_VERSION}`,
		{
			code: "OTHER_VERSION",
			hint:
				version !== undefined && version > DISPATCHER_VERSION
					? "use the tubectl that loaded it, or a newer one"
					: 'replace the program and keep its state with "tubectl upgrade"',
		},
	);
}
