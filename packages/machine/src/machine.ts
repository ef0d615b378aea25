import { type Context, noInterface } from "@sluice/cli-kit";
import type { Config, Direction } from "@sluice/maps/tables";
import type { Service, TunnelSpec } from "@sluice/tunnel";

/** The content of a document: all rows of a machine's tables. */
export interface Machine {
	/** Of the machine: no document of another one is applied. */
	name: string;
	/** Goes up with each version; undefined: none was given. */
	generation: bigint | undefined;
	config: ConfigRow[];
	tunnels: TunnelRow[];
	services: Service[];
}

export interface ConfigRow {
	/** The name of an interface; `*`: all interfaces without a row. */
	interface: string;
	/** 0 ingress, 1 egress. */
	direction: Direction;
	config: Config;
}

export interface TunnelRow {
	id: number;
	spec: TunnelSpec;
}

/** The interface of rows for every interface. */
export const EVERY = "*";

/** The index of a row's interface; 0: every one. @throws Failure missing: there is none of this name */
export function interfaceIndex(
	row: Pick<ConfigRow, "interface">,
	{ kernel }: Context,
): number {
	if (row.interface === EVERY) return 0;
	const index = kernel.interfaceIndex(row.interface);
	if (index === undefined) throw noInterface(row.interface);
	return index;
}
