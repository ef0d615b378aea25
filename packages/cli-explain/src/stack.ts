import { readFileSync } from "node:fs";
import type { Kernel } from "@sluice/cli-kit";
import { ask, type Route } from "@sluice/iproute";
import { attachedTo } from "@sluice/tunnel/hooks";
import type { Decoded, IpLayer } from "@sluice/tunnel/wire";

/** What the kernel's stack does with a packet before egress, or after ingress. */
export interface Stack {
	/** Its route, "192.168.7.2 via 203.0.113.1 dev eth0"; null: there is none. */
	route: string | null;
	/** The interface by which it leaves; null: it does not. */
	interface: string | null;
	/** Whether it reaches the given egress hook, or, after ingress, one with our program. */
	reached: boolean;
	/** A sentence on that. */
	hook: string;
	/** Why the stack drops it; null: it does not, as far as its routes say. */
	drops: string | null;
}

/** How the stack would route the packet to the egress hook. */
export async function beforeEgress(
	packet: Decoded,
	device: string,
): Promise<Stack> {
	const ends = endsOf(packet);
	if (!ends) return unknown;
	const { source, destination } = ends;
	const back = await routeOf(destination === source ? [] : [source]);
	// A packet of this host has its address; others arrived at the interface of the route to their sender.
	const way =
		back.row?.type === "local"
			? ["from", source]
			: back.row?.dev
				? ["from", source, "iif", back.row.dev]
				: [];
	const stack = await through(destination, source, way);
	if (stack.interface === null) return { ...stack, reached: false };
	return stack.interface === device
		? { ...stack, reached: true, hook: `${device} egress is reached` }
		: {
				...stack,
				reached: false,
				hook: `${device} egress is not reached: the packet leaves by ${stack.interface}`,
			};
}

/** The route of a packet that has passed the ingress hook of an interface. */
export async function afterIngress(
	kernel: Kernel,
	packet: Decoded,
	device: string,
): Promise<Stack> {
	const ends = endsOf(packet);
	if (!ends) return unknown;
	const { source, destination } = ends;
	const stack = await through(destination, source, [
		"from",
		source,
		"iif",
		device,
	]);
	if (stack.interface === null) return stack;
	const [program] = await attachedTo(kernel, stack.interface, "egress");
	return program
		? {
				...stack,
				reached: true,
				hook: `${stack.interface} egress, program ${program.programId}`,
			}
		: {
				...stack,
				reached: false,
				hook: `no program of ours on ${stack.interface} egress: the packet leaves as it is`,
			};
}

const unknown: Stack = {
	route: null,
	interface: null,
	reached: false,
	hook: "not an IP packet",
	drops: null,
};

/** The route of a packet, received or sent as in `way`. */
async function through(
	destination: string,
	source: string,
	way: readonly string[],
): Promise<Stack> {
	const { row, failed } = await routeOf([destination, ...way]);
	if (!row)
		return {
			route: null,
			interface: null,
			reached: false,
			hook: "no hook is reached",
			drops: await reasonOf(failed ?? "", destination, source, way),
		};
	const route = `${destination}${row.gateway ? ` via ${row.gateway}` : ""} dev ${row.dev}`;
	if (row.type === "local" || row.dev === "lo")
		return {
			route: `${destination} is local`,
			interface: null,
			reached: false,
			hook: "it is delivered to this host",
			drops: null,
		};
	return {
		route,
		interface: row.dev ?? null,
		reached: true,
		hook: "",
		drops: null,
	};
}

async function routeOf(
	words: readonly string[],
): Promise<{ row?: Route | undefined; failed?: string }> {
	if (words.length === 0) return {};
	const answer = await ask<Route>("ip", "route", "get", ...words);
	return "rows" in answer ? { row: answer.rows[0] } : { failed: answer.failed };
}

/** Why the kernel has no route for a packet, with the next step. */
async function reasonOf(
	complaint: string,
	destination: string,
	source: string,
	way: readonly string[],
): Promise<string> {
	const device = way.includes("iif") ? way.at(-1) : undefined;
	// EXDEV is rp_filter's; newer kernels have EINVAL for it, as for a source that no packet may have.
	if (/cross-device|invalid argument/i.test(complaint)) {
		const isOwn = (await routeOf([source])).row?.type === "local";
		return !isOwn && device !== undefined && filtersSources(device)
			? `rp_filter of ${device}: the route back to ${source} leads through another interface, or there is none`
			: `${source} cannot come in by ${device}: it is an address of this host, or of none (martian)`;
	}
	const { row } = await routeOf([destination]);
	if (row && device !== undefined && !forwards(device, destination))
		return `forwarding is off: net.${destination.includes(":") ? "ipv6" : "ipv4"}.conf.${device}.forwarding`;
	return `no route to ${destination}: ${complaint.toLowerCase()}`;
}

/** Whether an interface's packets are forwarded; true where that cannot be read. */
const forwards = (device: string, destination: string): boolean =>
	setting(destination.includes(":") ? "ipv6" : "ipv4", device, "forwarding") !==
	"0";

/** The kernel takes the larger one of the interface's own setting and that of all. */
const filtersSources = (device: string): boolean =>
	[device, "all"].some(
		(scope) => Number(setting("ipv4", scope, "rp_filter") ?? 0) > 0,
	);

function setting(
	family: string,
	scope: string,
	name: string,
): string | undefined {
	try {
		const file = `/proc/sys/net/${family}/conf/${scope}/${name}`;
		return readFileSync(file, "utf8").trim();
	} catch {
		return undefined;
	}
}

/** Of the outermost IP header. */
function endsOf({
	layers,
}: Decoded): { source: string; destination: string } | undefined {
	const ip = layers.find(
		(layer): layer is IpLayer =>
			layer.layer === "ipv4" || layer.layer === "ipv6",
	);
	return (
		ip && { source: String(ip.source), destination: String(ip.destination) }
	);
}
