import { OrderedRows } from "@sluice/maps/ordered-rows";
import type { OpenTable } from "@sluice/maps/table";
import {
	type Encap,
	type TunnelOptions,
	verifyTable,
} from "@sluice/maps/tables";
import { endpointName, rankOfSid, sameEndpoint, sameSid } from "./endpoint.js";
import { tokenModeOf } from "./options.js";
import { partsFollow } from "./parts.js";
import { conflicts, encapRow, natRows, type Service } from "./services.js";
import { countSigningAgain, requiringServices } from "./signing.js";
import type { ServiceTables, TunnelTables } from "./tables.js";

/** Something that does not belong together. */
export interface Finding {
	/** A stable word for programs. */
	code: string;
	/** A sentence for people. */
	message: string;
	/** Corrects the row; none: the intention is not known. */
	repair?: () => void;
}

/**
 * Compares the tables. TABLE-VERIFY is authoritative: rows that the other tables lack are written, and rows without one
 * in TABLE-VERIFY are deleted.
 */
export function findings(
	tables: ServiceTables,
	tunnels: TunnelTables,
): Finding[] {
	const rows = new OrderedRows(verifyTable, tables.verify.batches(), rankOfSid);
	const services: Service[] = [];
	rows.forEach((sid, value) => void services.push({ ...value, sid }));
	const ids = new Set<number>();
	tunnels.tunnels.forEach((id) => void ids.add(id));
	const options = new Map(tunnels.options.entries());
	const { encap, nat } = partsFollow(rows.packed, tables);
	const areWhole = encap && nat;
	return [
		...(areWhole
			? []
			: services.flatMap((service) => partsOf(tables, service))),
		...services.filter(({ tunnel }) => !ids.has(tunnel)).map(noTunnel),
		...services.flatMap((service) => tokenOf(tables, options, service)),
		...(areWhole
			? []
			: [...strayEncaps(tables, services), ...strayNats(tables, services)]),
		...strayRotations(tables),
		...straySignings(tables),
		...strayOfTunnels(tunnels),
		...signingCounts(tables),
	];
}

const nameOf = ({ sid }: Pick<Service, "sid">) =>
	`service ${sid.service} ${sid.group}`;

function partsOf(tables: ServiceTables, service: Service): Finding[] {
	const shared = conflicts(tables, service);
	if (shared.length > 0)
		return shared.map(({ role, endpoint, holder }) => ({
			code: `${role.toUpperCase()}_SHARED`,
			message: `${nameOf(service)}: its ${role} (${endpointName(endpoint)}) belongs to ${nameOf({ sid: holder })}`,
		}));
	const holder = tables.encap.get(service.backend);
	const found: Finding[] = [];
	if (!holder || !sameEncap(holder, encapRow(service)))
		found.push({
			code: holder ? "ENCAP_DIFFERS" : "ENCAP_MISSING",
			message: `${nameOf(service)}: the ENCAP row of (${endpointName(service.backend)}) ${holder ? "is not its own" : "is missing"}`,
			repair: () => tables.encap.set(service.backend, encapRow(service)),
		});
	for (const [from, to] of natRows(service)) {
		const there = tables.nat.get(from);
		if (sameEndpoint(there, to)) continue;
		found.push({
			code: there ? "NAT_DIFFERS" : "NAT_MISSING",
			message: `${nameOf(service)}: the NAT row of (${endpointName(from)}) ${there ? `leads to (${endpointName(there)}), not (${endpointName(to)})` : "is missing"}`,
			repair: () => tables.nat.set(from, to),
		});
	}
	return found;
}

const sameEncap = (a: Encap, b: Encap) =>
	a.tunnel === b.tunnel && sameSid(a.sid, b.sid) && a.key.equals(b.key);

const noTunnel = (service: Service): Finding => ({
	code: "NO_TUNNEL",
	message: `${nameOf(service)}: its tunnel ${service.tunnel} is not set`,
});

function tokenOf(
	{ signing }: ServiceTables,
	options: ReadonlyMap<number, TunnelOptions>,
	service: Service,
): Finding[] {
	const row = options.get(service.tunnel);
	const mode = row ? tokenModeOf(row) : "off";
	if (mode === "off" || signing.get(service.sid)) return [];
	return [
		{
			code: "TOKEN_NO_KEY",
			message: `${nameOf(service)}: it has no signing key, and the token mode of its tunnel ${service.tunnel} is ${mode}`,
		},
	];
}

function strayEncaps(
	{ encap }: ServiceTables,
	services: readonly Service[],
): Finding[] {
	const owned = new Set(services.map(({ backend }) => endpointName(backend)));
	return [...encap.entries()]
		.filter(([backend]) => !owned.has(endpointName(backend)))
		.map(([backend]) => ({
			code: "ENCAP_STRAY",
			message: `the ENCAP row of (${endpointName(backend)}) belongs to no service`,
			repair: () => encap.delete(backend),
		}));
}

function strayNats(
	{ nat }: ServiceTables,
	services: readonly Service[],
): Finding[] {
	const owned = new Set(
		services.flatMap((service) =>
			natRows(service).map(([from]) => endpointName(from)),
		),
	);
	return [...nat.entries()]
		.filter(([from]) => !owned.has(endpointName(from)))
		.map(([from, to]) => ({
			code: "NAT_STRAY",
			message: `the NAT row (${endpointName(from)}) -> (${endpointName(to)}) belongs to no service`,
			repair: () => nat.delete(from),
		}));
}

function strayRotations({ rotation, verify }: ServiceTables): Finding[] {
	return [...rotation.entries()].flatMap(([sid, { old, next }]) => {
		const key = verify.get(sid)?.key;
		if (key && (old.key.equals(key) || next.key.equals(key))) return [];
		return [
			{
				code: "ROTATION_STRAY",
				message: `${nameOf({ sid })}: ${key ? "its key is neither of those that are rotated" : "its keys are rotated, but there is no such service"}`,
				repair: () => rotation.delete(sid),
			},
		];
	});
}

const straySignings = ({ signing, verify }: ServiceTables): Finding[] =>
	[...signing.entries()]
		.filter(([sid]) => !verify.get(sid))
		.map(([sid]) => ({
			code: "SIGNING_STRAY",
			message: `${nameOf({ sid })}: it has a signing key, but there is no such service`,
			repair: () => signing.delete(sid),
		}));

function strayOfTunnels({
	tunnels,
	options,
	pingTimes,
}: TunnelTables): Finding[] {
	const stray = <V>(table: OpenTable<number, V>, code: string, what: string) =>
		[...table.entries()]
			.filter(([id]) => !tunnels.get(id))
			.map(([id]) => ({
				code,
				message: `tunnel ${id}: it has ${what}, but there is no such tunnel`,
				repair: () => table.delete(id),
			}));
	return [
		...stray(options, "OPTIONS_STRAY", "options"),
		...stray(pingTimes, "PING_TIME_STRAY", "the time of a signed ping"),
	];
}

function signingCounts(tables: ServiceTables): Finding[] {
	const right = requiringServices(tables);
	const there = new Map(tables.signedOnly.entries());
	return [...new Set([...right.keys(), ...there.keys()])]
		.filter((tunnel) => there.get(tunnel) !== right.get(tunnel))
		.map((tunnel) => ({
			code: "SIGNED_ONLY_DIFFERS",
			message: `tunnel ${tunnel}: ${right.get(tunnel) ?? 0} of its services require signed pings, but ${there.get(tunnel) ?? 0} are counted`,
			repair: () => countSigningAgain(tables),
		}));
}
