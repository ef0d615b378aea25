import { type Context, missing } from "@sluice/cli-kit";
import { socketsTable } from "@sluice/maps/tables";
import {
	type Destination,
	destinationKeyOf,
	destinationsOf,
	destinationText,
} from "./destinations.js";

/** A socket to register: a descriptor of this process. */
export interface RegisteredSocket {
	fd: number;
	cookie: bigint;
	destination: Destination;
}

/**
 * Makes each socket the one that serves its destination, in one step where another one does.
 * @returns for each, whether the destination had no socket
 * @throws BpfError EOPNOTSUPP a socket that cannot be in a sockmap.
 */
export const registerSockets = (
	context: Context,
	sockets: readonly RegisteredSocket[],
): boolean[] =>
	context.transact((tables) => {
		const destinations = destinationsOf(tables);
		const { kernel } = tables.openTable(socketsTable);
		const ids = sockets.map(({ destination }) =>
			destinations.reserve(destinationKeyOf(destination)),
		);
		// A socket left at a free id would serve the next destination with that id.
		tables.commit();
		return ids.map((id, i) => {
			const { fd } = sockets[i] as RegisteredSocket;
			const created = kernel.get(id) === undefined;
			kernel.set(id, BigInt(fd));
			return created;
		});
	});

/** Takes the socket from a destination: its traffic is dropped from now on. @throws Failure missing */
export function unregisterSocket(
	context: Context,
	destination: Destination,
): void {
	const key = destinationKeyOf(destination);
	context.locked((tables) => {
		const destinations = destinationsOf(tables);
		const { kernel } = tables.openTable(socketsTable);
		const id = destinations.get(key)?.id;
		if (id === undefined || kernel.get(id) === undefined)
			throw missing(`no socket registered for ${destinationText(destination)}`);
		kernel.delete(id);
		destinations.deleteIfUnused(key);
	});
}

/** "sk:1f", as `ss` prints a socket's cookie; "sk:-" where there is none, as tubular prints it. */
export const cookieText = (cookie: bigint | undefined) =>
	`sk:${cookie ? cookie.toString(16) : "-"}`;
