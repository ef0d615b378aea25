import { Failure } from "@sluice/cli-kit";
import { type Destination, destinationText } from "../state/destinations.js";
import type { RegisteredSocket } from "../state/sockets.js";
import { type Candidate, roleOf } from "./fitness.js";
import { socketText } from "./socket-text.js";

/** A socket that may be registered. */
export interface Offer extends Candidate {
	/** Its descriptor here. */
	fd: number;
	/** Its descriptor in the process that has it. */
	number: number;
}

/**
 * What to register under a label: every offer, but of each reuseport group only the first, because a group shares
 * its traffic by itself.
 *
 * @param dispatcher inode of the dispatcher's network namespace
 * @throws Failure a socket cannot serve, or two would serve one destination.
 */
export function chooseSockets(
	label: string,
	offers: readonly Offer[],
	dispatcher: number,
): RegisteredSocket[] {
	const chosen = new Map<string, RegisteredSocket & { offer: Offer }>();
	for (const offer of firstOfEachGroup(offers)) {
		const role = roleOf(offer, dispatcher);
		if ("reason" in role)
			throw new Failure("failed", `${socketText(offer)}: ${role.reason}`, {
				code: "UNFIT_SOCKET",
			});
		const destination: Destination = { label, ...role };
		const name = destinationText(destination);
		const other = chosen.get(name);
		if (other)
			throw new Failure(
				"failed",
				`${socketText(other.offer)} and ${socketText(offer)} would both serve ${name}`,
				{ code: "TWO_SOCKETS" },
			);
		const { fd, info } = offer;
		chosen.set(name, { fd, cookie: info.cookie, destination, offer });
	}
	return [...chosen.values()];
}

function firstOfEachGroup(offers: readonly Offer[]): Offer[] {
	const groups = new Set<string>();
	const cookies = new Set<bigint>();
	return offers.filter(({ info }) => {
		// One socket may have several descriptors.
		if (cookies.has(info.cookie)) return false;
		cookies.add(info.cookie);
		if (!info.reuseport || !info.local) return true;
		const { domain, protocol, local } = info;
		const group = `${domain} ${protocol} ${local.address} ${local.port}`;
		if (groups.has(group)) return false;
		groups.add(group);
		return true;
	});
}
