import { objectFile } from "@sluice/cli-kit/object-file";
import type { Direction } from "@sluice/maps/tables";

/**
 * The object that a direction's program is made from, by whether its device has Ethernet headers.
 * @throws Failure environment
 */
export const programObject = (
	direction: Direction,
	ethernet: boolean,
	variables: Readonly<Record<string, string | undefined>>,
): string =>
	objectFile(
		`pfc_${direction}${ethernet ? "" : "_l3"}_tc.o`,
		variables,
		"name it with --object, or its directory with SLUICE_BPF_DIR",
	);
