import type { OpenTable, Table } from "@sluice/maps/table";
import {
	decapTable,
	type Encap,
	type Endpoint,
	encapTable,
	natTable,
	type PingTime,
	pingTimeTable,
	type Rotation,
	rotationTable,
	type Sid,
	type Signing,
	signedOnlyTable,
	signingTable,
	type Traffic,
	type TrafficKey,
	type Tunnel,
	type TunnelOptions,
	trafficTable,
	tunnelOptionsTable,
	tunnelTable,
	type Verify,
	verifyTable,
} from "@sluice/maps/tables";

/** Opens tables: those of the kernel, or staged ones. */
export interface Opener {
	/** Whether changes are staged, so that the tables that are only read stay as they are. */
	readonly staged: boolean;
	/** @throws BpfError as `openTable` of the maps package. */
	openTable<K, V>(
		table: Table<K, V>,
		options?: { readOnly?: boolean },
	): OpenTable<K, V>;
}

/** The tables that hold tunnels. */
export interface TunnelTables {
	tunnels: OpenTable<number, Tunnel>;
	/** Local endpoint → how many tunnels have it. */
	decap: OpenTable<Endpoint, number>;
	/** What may move each tunnel's far end. */
	options: OpenTable<number, TunnelOptions>;
	/** The last signed ping of each tunnel. */
	pingTimes: OpenTable<number, PingTime>;
	/** Counters by tunnel, service and direction: the program adds an entry with the first packet. */
	traffic: OpenTable<TrafficKey, Traffic[]>;
}

/** @throws BpfError as `Opener.openTable`. */
export const openTunnelTables = (
	opener: Opener,
	options: { readOnly?: boolean } = {},
): TunnelTables => ({
	tunnels: opener.openTable(tunnelTable, options),
	decap: opener.openTable(decapTable, options),
	options: opener.openTable(tunnelOptionsTable, options),
	pingTimes: opener.openTable(pingTimeTable, options),
	traffic: opener.openTable(trafficTable, options),
});

/** The tables that hold services. The entry in `verify` is the whole service; those in the others follow from it. */
export interface ServiceTables {
	verify: OpenTable<Sid, Verify>;
	/** Backend → tunnel, sid and key for egress. */
	encap: OpenTable<Endpoint, Encap>;
	/** Proxy → backend and backend → proxy. */
	nat: OpenTable<Endpoint, Endpoint>;
	/** Both keys of services in rotation. */
	rotation: OpenTable<Sid, Rotation>;
	/** Signing keys of services with signed pings. */
	signing: OpenTable<Sid, Signing>;
	/** Tunnel → how many of its services require signed pings. */
	signedOnly: OpenTable<number, number>;
	/** Counters, deleted with the service. */
	traffic: OpenTable<TrafficKey, Traffic[]>;
}

/** @throws BpfError as `Opener.openTable`. */
export const openServiceTables = (
	opener: Opener,
	options: { readOnly?: boolean } = {},
): ServiceTables => ({
	verify: opener.openTable(verifyTable, options),
	encap: opener.openTable(encapTable, options),
	nat: opener.openTable(natTable, options),
	rotation: opener.openTable(rotationTable, options),
	signing: opener.openTable(signingTable, options),
	signedOnly: opener.openTable(signedOnlyTable, options),
	traffic: opener.openTable(trafficTable, options),
});
