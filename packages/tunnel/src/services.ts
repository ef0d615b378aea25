import type { Encap, Endpoint, Sid, Verify } from "@sluice/maps/tables";
import { directions } from "@sluice/maps/tables";
import { sameEndpoint, sameSid } from "./endpoint.js";
import { type OtherKeys, setRotation } from "./rotation.js";
import { type SigningKey, setSigning } from "./signing.js";
import type { ServiceTables } from "./tables.js";

/** A service: its ids and its row in TABLE-VERIFY. */
export type Service = Verify & {
	sid: Sid;
	/** Of a rotation: the keys that it accepts beside its own. */
	other?: OtherKeys | undefined;
	/** Undefined: its pings are not signed. */
	signing?: SigningKey | undefined;
};

/** An endpoint of a service that another service has. */
export interface Conflict {
	role: "proxy" | "backend";
	endpoint: Endpoint;
	holder: Sid;
}

/** The rows of TABLE-NAT that a service has: for replies, then for requests. */
export const natRows = ({
	proxy,
	backend,
}: Pick<Verify, "proxy" | "backend">): [Endpoint, Endpoint][] => [
	[backend, proxy],
	[proxy, backend],
];

/** The row of TABLE-ENCAP that a service has, by its backend. */
export const encapRow = ({ tunnel, sid, key }: Service): Encap => ({
	tunnel,
	sid,
	key,
});

/** Other services with an endpoint of this one. Rows without a service are ignored. */
export function conflicts(tables: ServiceTables, service: Service): Conflict[] {
	const found: Conflict[] = [];
	for (const role of ["proxy", "backend"] as const) {
		const endpoint = service[role];
		const holder = holderOf(tables, endpoint);
		if (holder && !sameSid(holder, service.sid))
			found.push({ role, endpoint, holder });
	}
	return found;
}

/** The service that has an endpoint, as its proxy or as its backend. */
function holderOf(tables: ServiceTables, endpoint: Endpoint): Sid | undefined {
	const asBackend = tables.encap.get(endpoint);
	if (asBackend) {
		const verify = tables.verify.get(asBackend.sid);
		if (sameEndpoint(verify?.backend, endpoint)) return asBackend.sid;
	}
	const backend = tables.nat.get(endpoint);
	const asProxy = backend && tables.encap.get(backend);
	if (!asProxy) return undefined;
	const verify = tables.verify.get(asProxy.sid);
	return sameEndpoint(verify?.proxy, endpoint) ? asProxy.sid : undefined;
}

/** Whether another service has an endpoint of this one. */
export function isInTheWay(
	{ verify }: Pick<ServiceTables, "verify">,
	{ endpoint, holder }: Conflict,
): boolean {
	const other = verify.get(holder);
	return (
		sameEndpoint(other?.proxy, endpoint) ||
		sameEndpoint(other?.backend, endpoint)
	);
}

/** Creates or overwrites a service, with no regard to `conflicts`. */
export function setService(tables: ServiceTables, service: Service): void {
	const { sid } = service;
	const old = tables.verify.get(sid);
	if (old) removeMoved(tables, { ...old, sid }, service);
	setRotation(tables, service, old);
	setSigning(tables, service, old?.tunnel);
	tables.verify.set(sid, service);
	tables.encap.set(service.backend, encapRow(service));
	for (const [from, to] of natRows(service)) tables.nat.set(from, to);
	if (old && old.tunnel !== service.tunnel)
		removeTraffic(tables, { ...old, sid });
}

/** Deletes rows of the old version that the new one does not overwrite. */
function removeMoved(
	tables: ServiceTables,
	old: Service,
	service: Service,
): void {
	const stays =
		sameEndpoint(old.proxy, service.proxy) &&
		sameEndpoint(old.backend, service.backend);
	if (!stays) removeParts(tables, old);
}

/**
 * Deletes a service.
 * @returns whether there was one
 */
export function deleteService(tables: ServiceTables, sid: Sid): boolean {
	const verify = tables.verify.get(sid);
	if (!verify) return false;
	const service = { ...verify, sid };
	removeParts(tables, service);
	removeTraffic(tables, service);
	tables.rotation.delete(sid);
	setSigning(tables, service, verify.tunnel);
	return tables.verify.delete(sid);
}

/** Deletes every row of the three tables, also those that belong to nothing. */
export function deleteAllServices(tables: ServiceTables): Sid[] {
	const sids = [...tables.verify.entries()].map(([sid]) => sid);
	tables.nat.deleteMany([...tables.nat.entries()].map(([key]) => key));
	tables.encap.deleteMany([...tables.encap.entries()].map(([key]) => key));
	tables.rotation.deleteMany(
		[...tables.rotation.entries()].map(([key]) => key),
	);
	tables.signing.deleteMany([...tables.signing.entries()].map(([key]) => key));
	tables.signedOnly.deleteMany(
		[...tables.signedOnly.entries()].map(([key]) => key),
	);
	tables.verify.deleteMany(sids);
	tables.traffic.deleteMany([...tables.traffic.entries()].map(([key]) => key));
	return sids;
}

/** Deletes a service's rows in TABLE-NAT and TABLE-ENCAP, requests first; rows that are now another's stay. */
function removeParts(tables: ServiceTables, service: Service): void {
	for (const [from, to] of natRows(service).reverse())
		if (sameEndpoint(tables.nat.get(from), to)) tables.nat.delete(from);
	if (sameSid(tables.encap.get(service.backend)?.sid, service.sid))
		tables.encap.delete(service.backend);
}

/** Deletes the counters of a service in one tunnel. */
export function removeTraffic(
	tables: Pick<ServiceTables, "traffic">,
	{ tunnel, sid }: Pick<Service, "tunnel" | "sid">,
): void {
	for (const direction of directions)
		tables.traffic.delete({ tunnel, sid, direction });
}
