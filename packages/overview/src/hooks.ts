import type { Context } from "@sluice/cli-kit";
import { configTable, type Direction, flagWords } from "@sluice/maps/tables";
import { isGatewayRow } from "@sluice/tunnel";
import { attachedPrograms } from "@sluice/tunnel/hooks";

/** A machine's role, and its attached programs. */
export interface Hooks {
	/** A node has rows, but none that makes it a gateway. */
	role: "gateway" | "node" | "unconfigured";
	programs: {
		interface: string;
		direction: Direction;
		programId: number;
		/** Names of the flags of its row; null: no row, so it does nothing. */
		flags: string[] | null;
	}[];
}

/** Asks tc for the programs, and TABLE-CONFIG for their rows. */
export async function hooksOf(context: Context): Promise<Hooks> {
	const attached = await attachedPrograms(context.kernel);
	const table = context.openTable(configTable, { readOnly: true });
	const rows = [...table.entries()];
	table.close();
	const flagsOf = (device: string, direction: Direction) => {
		const ifindex = context.kernel.interfaceIndex(device);
		const rowOf = (index: number | undefined) =>
			rows.find(
				([key]) => key.ifindex === index && key.direction === direction,
			);
		const row = rowOf(ifindex) ?? rowOf(0);
		return row ? flagWords(direction, row[1].flags) : null;
	};
	return {
		role: rows.some(([key, row]) => isGatewayRow(key, row))
			? "gateway"
			: rows.length > 0
				? "node"
				: "unconfigured",
		programs: attached.map(({ device, direction, programId }) => ({
			interface: device,
			direction,
			programId,
			flags: flagsOf(device, direction),
		})),
	};
}
