import { missing } from "@sluice/cli-kit";
import {
	type Destination,
	destinationKeyOf,
	destinationText,
} from "./destinations.js";
import type { Writer } from "./writer.js";

/** A socket to register: a descriptor of this process. */
export interface RegisteredSocket {
	fd: number;
	cookie: bigint;
	destination: Destination;
}

/**
 * Makes a socket the one that serves its destination, in one step where another one does.
 * @returns whether the destination had no socket
 * @throws BpfError EOPNOTSUPP a socket that cannot be in a sockmap.
 */
export function registerSocket(
	writer: Writer,
	{ fd, destination }: RegisteredSocket,
): boolean {
	const { tables, destinations } = writer;
	return writer.change(() => {
		const { id } = destinations.obtain(destinationKeyOf(destination));
		const created = tables.sockets.get(id) === undefined;
		tables.sockets.set(id, BigInt(fd));
		return created;
	});
}

/** Takes the socket from a destination: its traffic is dropped from now on. @throws Failure missing */
export function unregisterSocket(
	writer: Writer,
	destination: Destination,
): void {
	const { tables, destinations } = writer;
	const key = destinationKeyOf(destination);
	const value = destinations.get(key);
	if (!value || tables.sockets.get(value.id) === undefined)
		throw missing(`no socket registered for ${destinationText(destination)}`);
	writer.change(() => {
		tables.sockets.delete(value.id);
		destinations.setCount(key, value);
	});
}

/** "sk:1f", as `ss` prints a socket's cookie; "sk:-" where there is none, as tubular prints it. */
export const cookieText = (cookie: bigint | undefined) =>
	`sk:${cookie ? cookie.toString(16) : "-"}`;
