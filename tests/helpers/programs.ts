import path from "node:path";
import {
	type LoadedObject,
	loadObject,
	type OpenTable,
	type Program,
	type Table,
} from "@sluice/maps";
import {
	configTable,
	decapTable,
	encapTable,
	natTable,
	signedOnlyTable,
	signingTable,
	trafficTable,
	tunnelOptionsTable,
	tunnelTable,
	verifyTable,
} from "@sluice/maps/tables";

const dist = path.join(import.meta.dirname, "../../bpf/dist");

/** Those that hold what is configured, and what came of it. */
const sized = [
	...["map_config", "map_tunnel", "map_decap", "map_encap", "map_verify"],
	...["map_nat", "map_tunnel_stats", "map_tunnel_opts", "map_signed_only"],
	...["map_signing", "map_rotation", "map_ping_time"],
];

/** Tables of the two programs that both define, so that they share them as their pins would make them. */
const shared = [
	...sized,
	...["map_stats", "map_frag", "map_path_mtu"],
	...["map_traffic_owner", "map_traffic_slot"],
	...["map_events", "map_events_lost"],
];

/** Tables as large as a test needs: the kernel walks all the room there is when one is listed. */
const ENTRIES = 1024;

/** Both tunnel programs, loaded without pins and with tables of their own. */
export interface Programs {
	ingress: Program;
	egress: Program;
	table<K, V>(table: Table<K, V>): OpenTable<K, V>;
	/** A map's descriptor. */
	mapFd(name: string): number;
	close(): void;
}

/** The tables that say what the programs do: closed with the programs. */
export type TunnelTables = ReturnType<typeof openTables>;

export function loadPrograms(): Programs {
	const ingress = loadObject(path.join(dist, "pfc_ingress_tc.o"), {
		maxEntries: Object.fromEntries(sized.map((name) => [name, ENTRIES])),
	});
	const egress = loadObject(path.join(dist, "pfc_egress_tc.o"), {
		reuse: Object.fromEntries(
			shared.map((name) => [name, ingress.mapFd(name)]),
		),
	});
	const of = (name: string): LoadedObject =>
		shared.includes(name) ? ingress : egress;
	return {
		ingress: ingress.program("pfc_ingress"),
		egress: egress.program("pfc_egress"),
		table: (table) => of(table.name).table(table),
		mapFd: (name) => of(name).mapFd(name),
		close() {
			egress.close();
			ingress.close();
		},
	};
}

export function openTables(programs: Programs) {
	return {
		config: programs.table(configTable),
		tunnel: programs.table(tunnelTable),
		decap: programs.table(decapTable),
		encap: programs.table(encapTable),
		verify: programs.table(verifyTable),
		nat: programs.table(natTable),
		options: programs.table(tunnelOptionsTable),
		signedOnly: programs.table(signedOnlyTable),
		signing: programs.table(signingTable),
		traffic: programs.table(trafficTable),
	};
}
