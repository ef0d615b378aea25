import { type Answer, ask, type Neighbour, type Route } from "@sluice/iproute";
import type { Address } from "@sluice/maps/address";
import type { Endpoint, Sid } from "@sluice/maps/tables";
import { endpointName } from "@sluice/tunnel";
import { execa } from "execa";
import { attaching } from "../attaching.js";
import type { Check, Finding } from "../finding.js";
import { isListening, listeners } from "../listeners.js";
import { notForwarded } from "../not-forwarded.js";
import { quoted } from "../shell.js";
import { needed, type World } from "../world.js";

/** Services that are looked at: each costs some processes. */
const MOST = 64;

/** A gateway routes to the backend by an interface with our program; on the node a socket listens there. */
export const backends: Check = {
	name: "backends of services",
	async look(world) {
		const findings = new Map<string, Finding>();
		const listening = world.isGateway ? undefined : listeners(world.bpffs);
		for (const [sid, { backend }] of world.services().slice(0, MOST)) {
			const isLocal = await world.isLocal(backend.address);
			const finding =
				isLocal && !world.isGateway
					? listening && unheard(listening, sid, backend)
					: await unreached(world, sid, backend);
			if (finding) findings.set(finding.message, finding);
		}
		return [...findings.values()];
	},
};

const nameOf = (sid: Sid, backend: Endpoint) =>
	`${endpointName(backend)}, the backend of service ${sid.service} ${sid.group}`;

function unheard(
	all: readonly Endpoint[],
	sid: Sid,
	backend: Endpoint,
): Finding | undefined {
	if (all.some((one) => isListening(one, backend))) return undefined;
	const elsewhere = all.filter(
		({ proto, port }) => proto === backend.proto && port === backend.port,
	);
	return elsewhere.length === 0
		? {
				code: "backend-not-listening",
				message: `no socket is bound to ${nameOf(sid, backend)}`,
				question: "does the server run, and on which port? ss -tulnp",
			}
		: {
				code: "backend-other-address",
				message: `no socket is bound to ${nameOf(sid, backend)}, only to ${elsewhere.map(({ address }) => address).join(", ")}`,
				question: `may the server be bound to ${backend.address}?`,
			};
}

/** How the kernel would send a packet to the backend: it must reach the egress of our program. */
async function unreached(
	world: World,
	sid: Sid,
	backend: Endpoint,
): Promise<Finding | undefined> {
	const name = nameOf(sid, backend);
	const { address } = backend;
	const answer = await needed(
		ask<Route>("ip", "route", "get", String(address)),
	);
	if ("failed" in answer)
		return {
			code: "backend-no-route",
			message: `no route to ${name}: ${answer.failed}`,
			...(await routing(world, address)),
		};
	const [row] = answer.rows;
	if (!row?.dev) return undefined;
	if (row.type === "local" || row.dev === "lo")
		return {
			code: "backend-local",
			message: `${name}, is an address of this gateway: packets to it do not leave`,
			question: `which machine has it? ip address show to ${address}`,
		};
	if (!world.isGateway) return undefined;
	const refusal = await notForwarded(world, address);
	if (refusal)
		return {
			code: "backend-not-forwarded",
			message: `no route to ${name}, for packets that come in by ${refusal.device}: ${refusal.failed}`,
			question: "which routing rule is in the way? ip rule show",
		};
	if (!(await world.devicesWith("egress")).includes(row.dev))
		return {
			code: "program-missing",
			message: `${row.dev} leads to ${name}, but our program is not on its egress`,
			...attaching(world, row.dev, "egress"),
		};
	if (row.gateway || row.via || (await answers(row.dev, String(address))))
		return undefined;
	return {
		code: "backend-on-link",
		message: `${name}, is routed as a neighbour on ${row.dev}, and does not answer there: packets to it wait for its link address and never reach our program`,
		...(await routing(world, address)),
	};
}

/** Any route to an interface with our program will do, for the outer header is routed anew: that of the default route. */
async function routing(
	world: World,
	address: Address,
): Promise<Pick<Finding, "fix" | "question">> {
	const family = address.isIpv4 ? "-4" : "-6";
	const answer: Answer<Route> = await needed(
		ask<Route>("ip", family, "route", "show", "default"),
	);
	const egress = await world.devicesWith("egress");
	const usable =
		"rows" in answer &&
		answer.rows.find(
			({ dev, gateway }) => gateway && dev && egress.includes(dev),
		);
	const to = `${address}/${address.isIpv4 ? 32 : 128}`;
	return usable
		? {
				fix: `ip route replace ${to} via ${usable.gateway} dev ${quoted(usable.dev ?? "")}`,
			}
		: {
				question: `which router leads on from here? ip route replace default via ROUTER dev ${quoted(egress[0] ?? "INTERFACE")}`,
			};
}

/** Whether a neighbour's link address can be resolved. A ping makes the kernel resolve it; its answer does not matter. */
async function answers(device: string, address: string): Promise<boolean> {
	await execa("ping", ["-c1", "-W1", "-I", device, address], { reject: false });
	const answer = await needed(
		ask<Neighbour>("ip", "neigh", "show", "to", address, "dev", device),
	);
	return !(
		"rows" in answer &&
		answer.rows.some(({ state }) =>
			state.some((word) => word === "FAILED" || word === "INCOMPLETE"),
		)
	);
}
