import { existsSync } from "node:fs";
import { tcPins } from "@sluice/maps/bpffs";
import type { AnyTable } from "@sluice/maps/table";
import {
	configTable,
	decapTable,
	encapTable,
	natTable,
	pingTimeTable,
	rotationTable,
	signedOnlyTable,
	signingTable,
	trafficTable,
	tunnelOptionsTable,
	tunnelTable,
	verifyTable,
} from "@sluice/maps/tables";

/** Where the tables of a migration are until it is done, beside the pins. */
export const preparedDirectory = (pins: string): string => `${pins}_new`;

/** A directory in there: from the replacement of the first program until the migration is done. */
export const SWITCHING = "switching";

/** The maps of the tunnel programs, pinned by iproute2 in `<bpffs>/tc/globals`. */
export const tunnelPins = {
	directory: (bpffs: string) => tcPins(bpffs),
	absent: (directory: string) => ({
		message: `no pinned tables in ${directory}`,
		code: "NOT_PINNED",
		hint: "attach the programs first (scripts/attach_tc.sh), or name another bpffs with --bpffs",
	}),
	hint: "attach the programs first with scripts/attach_tc.sh",
	refusal: (directory: string) =>
		existsSync(`${preparedDirectory(directory)}/${SWITCHING}`)
			? {
					message: `${directory}: a migration was killed while it replaced the programs, which now use two sets of tables`,
					hint: "reattach_tc.sh --migrate finishes it",
				}
			: undefined,
	/**
	 * A service becomes reachable by its last entry, in TABLE-NAT; the configuration is written last. Counters are
	 * deleted last, when no packet can count any more.
	 */
	tables: [
		trafficTable,
		tunnelTable,
		decapTable,
		tunnelOptionsTable,
		pingTimeTable,
		rotationTable,
		signingTable,
		signedOnlyTable,
		verifyTable,
		encapTable,
		natTable,
		configTable,
	] as readonly AnyTable[],
};
