import type { Context } from "@sluice/cli-kit";
import type { Address } from "@sluice/maps/address";
import {
	type Endpoint,
	encapTable,
	natTable,
	type Protocol,
	protocols,
	type Sid,
	verifyTable,
} from "@sluice/maps/tables";
import type { Decoded, GueLayer, IpLayer, Layer } from "@sluice/tunnel/wire";
import type { Filter } from "./filter.js";

/** The service, tunnel and client of a packet; undefined: unknown. */
export interface Subject {
	service?: Sid | undefined;
	tunnel?: number | undefined;
	client?: Address | undefined;
}

/** Finds the service, tunnel and client of packets by the present tables. */
export function subjects(context: Context): (packet: Decoded) => Subject {
	const verify = context.openTable(verifyTable, { readOnly: true });
	const encap = context.openTable(encapTable, { readOnly: true });
	const nat = context.openTable(natTable, { readOnly: true });

	/** The service that has this endpoint as backend or proxy. */
	const serviceOf = (end: Endpoint) => {
		const backend = nat.get(end);
		return encap.get(end) ?? (backend && encap.get(backend));
	};

	return ({ layers }) => {
		const gue = layers.findIndex(({ layer }) => layer === "gue");
		if (gue >= 0) {
			const { service, group, tunnel } = layers[gue] as GueLayer;
			const inner = flowOf(layers.slice(gue + 1));
			if (service === undefined || group === undefined) return { tunnel };
			const row = verify.get({ service, group });
			const isReply = row && inner?.source.address.equals(row.backend.address);
			return {
				service: { service, group },
				tunnel: tunnel ?? row?.tunnel,
				client: isReply ? inner?.destination.address : inner?.source.address,
			};
		}
		const flow = flowOf(layers);
		if (!flow) return {};
		const { source, destination } = flow;
		const asked = serviceOf(destination);
		const found = asked ?? serviceOf(source);
		if (!found) return {};
		return {
			service: found.sid,
			tunnel: found.tunnel,
			client: asked ? source.address : destination.address,
		};
	};
}

/** Whether a packet matches the filter; the caller checks direction and reason. */
export const isSubject = (
	{ service, tunnel, client }: Filter,
	subject: Subject,
): boolean =>
	(service === undefined ||
		(service.service === subject.service?.service &&
			service.group === subject.service.group)) &&
	(tunnel === undefined || tunnel === subject.tunnel) &&
	(client === undefined ||
		(subject.client !== undefined && client.equals(subject.client)));

/** The outermost flow. */
function flowOf(
	layers: readonly Layer[],
): { source: Endpoint; destination: Endpoint } | undefined {
	const at = layers.findIndex(
		({ layer }) => layer === "ipv4" || layer === "ipv6",
	);
	if (at < 0) return undefined;
	const { source, destination } = layers[at] as IpLayer;
	const next = layers[at + 1];
	const ports =
		next?.layer === "tcp" || next?.layer === "udp" ? next : undefined;
	const proto = protocols[(ports?.layer ?? "tcp") as Protocol];
	return {
		source: { address: source, port: ports?.sourcePort ?? 0, proto },
		destination: {
			address: destination,
			port: ports?.destinationPort ?? 0,
			proto,
		},
	};
}
