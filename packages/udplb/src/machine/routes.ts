import { interfaceIndex } from "@sluice/maps";
import { ipBatch } from "./iproute.js";

/** How this machine reaches an address. */
export interface Route {
	/** The address is the machine's own. */
	local: boolean;
	device: string;
	ifindex: number;
	/** Whom it hands the packet to: a gateway, or the address itself. */
	neighbour: string;
}

export type Routes = ReadonlyMap<string, Route>;

/** The routes of further addresses are not looked up here; the kernel routes each packet in any case. */
const LOOKED_UP = 4096;

interface RouteGet {
	type?: string;
	dst: string;
	dev: string;
	gateway?: string;
	via?: { host: string };
}

/** Looks up the route to each of the first `LOOKED_UP` addresses. An address without a route has no entry. */
export async function findRoutes(
	addresses: readonly string[],
): Promise<Routes> {
	const lines = addresses
		.slice(0, LOOKED_UP)
		.map((address) => `route get ${address}`);
	const routes = new Map<string, Route>();
	for (const line of (await ipBatch(lines, ["-j"])).split("\n")) {
		if (!line.startsWith("[{")) continue;
		for (const { type, dst, dev, gateway, via } of JSON.parse(
			line,
		) as RouteGet[]) {
			if (type !== undefined && type !== "unicast" && type !== "local")
				continue;
			routes.set(dst, {
				local: type === "local",
				device: dev,
				ifindex: interfaceIndex(dev) ?? 0,
				neighbour: gateway ?? via?.host ?? dst,
			});
		}
	}
	return routes;
}

export function sameRoutes(a: Routes, b: Routes): boolean {
	if (a.size !== b.size) return false;
	for (const [address, route] of a) {
		const other = b.get(address);
		if (
			other?.local !== route.local ||
			other.ifindex !== route.ifindex ||
			other.neighbour !== route.neighbour
		)
			return false;
	}
	return true;
}
