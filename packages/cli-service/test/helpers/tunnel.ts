import type { PinnedTables } from "@sluice/cli-kit/testing";
import { Address } from "@sluice/maps/address";
import { tunnelTable } from "@sluice/maps/tables";

/** Sets a tunnel from 10.0.0.1:6080 whose far end is not known. */
export const setTunnel = (tables: PinnedTables, id: number) =>
	tables.open(tunnelTable).set(id, {
		local: Address.of("10.0.0.1"),
		localPort: 6080,
		remote: Address.of("::"),
		remotePort: 0,
		lastPing: 0n,
	});
