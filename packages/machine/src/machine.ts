import { type Context, noInterface } from "@sluice/cli-kit";
import { address, bytes, struct, u16be, u32 } from "@sluice/maps";
import {
	type Config,
	type Direction,
	endpoint,
	sid,
} from "@sluice/maps/tables";
import type { Service, TunnelSpec } from "@sluice/tunnel";
import { PackedRows } from "./packed-rows.js";

/** The content of a document: all rows of a machine's tables. */
export interface Machine {
	/** Of the machine: no document of another one is applied. */
	name: string;
	/** Goes up with each version; undefined: none was given. */
	generation: bigint | undefined;
	config: ConfigRow[];
	tunnels: ReturnType<typeof packedTunnels>;
	services: ReturnType<typeof packedServices>;
}

export interface ConfigRow {
	/** The name of an interface; `*`: all interfaces without a row. */
	interface: string;
	/** 0 ingress, 1 egress. */
	direction: Direction;
	config: Config;
}

export type TunnelRow = TunnelSpec & { id: number };

/** Rows of `tunnels`. */
export const packedTunnels = (rows: Iterable<TunnelRow> = []) =>
	new PackedRows<Omit<TunnelRow, "options">, Pick<TunnelRow, "options">>(
		packedTunnel,
		({ options }) => options && { options },
		rows,
	);

const packedTunnel = struct(40, {
	id: [0, u32],
	local: [4, address],
	remote: [20, address],
	localPort: [36, u16be],
	remotePort: [38, u16be],
});

/** Rows of `services`. */
export const packedServices = (rows: Iterable<Service> = []) =>
	new PackedRows<Omit<Service, Extra>, Pick<Service, Extra>>(
		packedService,
		({ other, signing }) =>
			other || signing
				? { ...(other ? { other } : {}), ...(signing ? { signing } : {}) }
				: undefined,
		rows,
	);

type Extra = "other" | "signing";

const packedService = struct(64, {
	sid: [0, sid],
	key: [4, bytes(16)],
	tunnel: [20, u32],
	proxy: [24, endpoint],
	backend: [44, endpoint],
});

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
