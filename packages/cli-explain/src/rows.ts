import { endpointText } from "@sluice/maps/address";
import {
	type Config,
	type Direction,
	type Endpoint,
	flagWords,
	type Protocol,
	protocols,
	type Sid,
} from "@sluice/maps/tables";
import { endpointName } from "@sluice/tunnel";
import type { End } from "@sluice/tunnel/wire";
import type { LiveTables } from "./live-tables.js";

/** A lookup of the program, with its result. */
export interface TableRow {
	table: string;
	key: string;
	/** null: there is no such row. */
	value: string | null;
}

/** The fields that the lookups depend on. */
export interface Asked {
	device: string;
	ifindex: number;
	direction: Direction;
	protocol: Protocol;
	source: End;
	destination: End;
	/** Of the GUE header, where the packet has one. */
	sid?: Sid | undefined;
	/** Of a ping. */
	tunnel?: number | undefined;
}

/** The rows that the program looks for, in its order. */
export function rowsFor(tables: LiveTables, asked: Asked): TableRow[] {
	const rows = new FoundRows(tables, asked);
	const config = rows.config();
	if (!config) return rows.list;
	if (asked.direction === "ingress") rows.ingress(config);
	else rows.egress(config);
	return rows.list;
}

class FoundRows {
	readonly list: TableRow[] = [];
	readonly #tables: LiveTables;
	readonly #asked: Asked;

	constructor(tables: LiveTables, asked: Asked) {
		this.#tables = tables;
		this.#asked = asked;
	}

	/** An interface's own row, else that of every interface. */
	config(): Config | undefined {
		const { device, ifindex, direction } = this.#asked;
		for (const [index, name] of [
			[ifindex, device],
			[0, "*"],
		] as const) {
			const row = this.#tables.config.get({ ifindex: index, direction });
			const key = `${name} ${direction}`;
			this.#note(
				"TABLE-CONFIG",
				key,
				row &&
					`id ${row.id} flags ${row.flags} ${flagWords(direction, row.flags).join(",")} ${row.name}`.trimEnd(),
			);
			if (row) return row;
		}
		return undefined;
	}

	ingress({ flags }: Config): void {
		const { protocol, destination } = this.#asked;
		if (protocol === "udp" && this.#decap(destination)) {
			this.#tunnelPacket();
			return;
		}
		if (!flagWords("ingress", flags).includes("dnat")) return;
		if (this.#nat(destination)) this.#encap(destination);
	}

	egress({ flags }: Config): void {
		const { source, destination } = this.#asked;
		const words = flagWords("egress", flags);
		const [isProxy, snat] = [words.includes("proxy"), words.includes("snat")];
		if (!isProxy && snat && this.#fromProxy(source)) return;
		const service = this.#encap(isProxy ? destination : source);
		if (service !== undefined) this.#tunnel(service);
		else if (isProxy && snat) this.#fromProxy(source);
	}

	/** Whether the source is a backend that is shown as its proxy endpoint. */
	#fromProxy(source: End): boolean {
		const proxy = this.#nat(source);
		return proxy !== undefined && this.#tables.encap.get(proxy) === undefined;
	}

	#tunnelPacket(): void {
		const { sid, tunnel } = this.#asked;
		if (!sid) {
			if (tunnel !== undefined) this.#tunnel(tunnel);
			return;
		}
		const row = this.#tables.verify.get(sid);
		this.#note(
			"TABLE-VERIFY",
			`${sid.service} ${sid.group}`,
			row &&
				`tunnel ${row.tunnel} proxy ${endpointName(row.proxy)} backend ${endpointName(row.backend)}`,
		);
		if (row && tunnel !== undefined) this.#tunnel(row.tunnel);
	}

	#decap(end: End): boolean {
		const references = this.#tables.decap.get(endpoint(end, "udp"));
		this.#note(
			"TABLE-DECAP",
			endpointName(endpoint(end, "udp")),
			references === undefined
				? undefined
				: `${references} tunnel${references === 1 ? "" : "s"}`,
		);
		return references !== undefined;
	}

	#nat(end: End): Endpoint | undefined {
		const key = endpoint(end, this.#asked.protocol);
		const to = this.#tables.nat.get(key);
		this.#note("TABLE-NAT", endpointName(key), to && endpointName(to));
		return to;
	}

	/** The tunnel of the service that has this backend. */
	#encap(end: End): number | undefined {
		const key = endpoint(end, this.#asked.protocol);
		const row = this.#tables.encap.get(key);
		this.#note(
			"TABLE-ENCAP",
			endpointName(key),
			row && `service ${row.sid.service} ${row.sid.group} tunnel ${row.tunnel}`,
		);
		return row?.tunnel;
	}

	#tunnel(id: number): void {
		const row = this.#tables.tunnel.get(id);
		this.#note(
			"TABLE-TUNNEL",
			String(id),
			row &&
				`${endpointText(row.local, row.localPort)} -> ${row.remotePort === 0 ? "not known yet" : endpointText(row.remote, row.remotePort)}`,
		);
	}

	#note(table: string, key: string, value: string | undefined): void {
		this.list.push({ table, key, value: value ?? null });
	}
}

const endpoint = ({ address, port }: End, protocol: Protocol): Endpoint => ({
	address,
	port,
	proto: protocols[protocol],
});
