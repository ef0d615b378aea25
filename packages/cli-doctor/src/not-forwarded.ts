import { isIPv6 } from "node:net";
import { ask, type Interface, type Route } from "@sluice/iproute";
import type { Address } from "@sluice/maps/address";
import { flagWords } from "@sluice/maps/tables";
import { isOff } from "./checks/forwarding.js";
import { isInPrefix } from "./prefix.js";
import { needed, type World } from "./world.js";

/**
 * The first interface with our ingress whose packets the kernel does not route to an address, and its complaint: routing
 * rules may treat packets from an interface differently from those of this machine. The address itself is routed.
 */
export async function notForwarded(
	world: World,
	to: Address,
): Promise<{ device: string; failed: string } | undefined> {
	const devices = await world.devicesWith("ingress");
	for (const one of await world.interfaces()) {
		const device = one.ifname;
		const family = to.isIpv4 ? "ipv4" : "ipv6";
		// Forwarding that is off is another finding. Nothing is forwarded from lo.
		if (
			device === "lo" ||
			!devices.includes(device) ||
			!translates(world, one) ||
			isOff(`net/${family}/conf/${device}/forwarding`)
		)
			continue;
		const failed = await complaint(device, to, neighboursOf(one, !to.isIpv4));
		if (failed !== undefined) return { device, failed };
	}
	return undefined;
}

/** Whether requests of clients come in by an interface. */
function translates(world: World, { ifindex }: Interface): boolean {
	const rows = world
		.config()
		.filter(([{ direction }]) => direction === "ingress");
	const [, row] =
		rows.find(([key]) => key.ifindex === ifindex) ??
		rows.find(([key]) => key.ifindex === 0) ??
		[];
	return row !== undefined && flagWords("ingress", row.flags).includes("dnat");
}

/** Undefined where a packet of one of the senders is routed: another may be an address that no host has. */
async function complaint(
	device: string,
	to: Address,
	senders: readonly string[],
): Promise<string | undefined> {
	let failed: string | undefined;
	for (const from of senders) {
		const answer = await needed(
			ask<Route>("ip", "route", "get", String(to), "from", from, "iif", device),
		);
		if (!("failed" in answer)) return undefined;
		failed = answer.failed;
	}
	return failed;
}

/** The addresses before and after an interface's own one, as far as they are in its prefix. */
function neighboursOf({ addr_info }: Interface, ipv6: boolean): string[] {
	const own = addr_info.find(
		({ local = "" }) => isIPv6(local) === ipv6 && !local.startsWith("fe80:"),
	);
	if (!own?.local) return [];
	const [separator, base, last] = ipv6 ? [":", 16, 0xffff] : [".", 10, 255];
	const parts = own.local.split(separator);
	const number = Number.parseInt(parts.pop() || "0", base);
	return [number - 1, number + 1]
		.filter((near) => near >= 0 && near <= last)
		.map((near) => [...parts, near.toString(base)].join(separator))
		.filter((near) => isInPrefix(near, own.local, own.prefixlen));
}
