import path from "node:path";
import type { Host, Running } from "@sluice/testbed";

/** A datagram as a real socket got it. */
export interface Datagram {
	/** The socket's address and port. */
	at: string;
	from: string;
	port: number;
	size: number;
	/** Whether every byte is the one that was sent. */
	intact: boolean;
}

export interface SendRequest {
	op: "send";
	from: string;
	/** Source ports, one after the other. */
	ports: number[];
	to: string;
	port: number;
	/** Of the payload of each datagram. */
	sizes: number[];
	/** Between datagrams, in milliseconds. */
	gap?: number;
	/** Leave the UDP checksum zero. */
	noChecksum?: boolean;
	/** Give the kernel super-packets, to be cut into datagrams of this size on the way. */
	segment?: number;
}

export type Request =
	| { op: "listen"; address: string; port: number }
	| SendRequest
	| { op: "take"; count: number; wait: number };

/** How long `take` waits for the datagrams that are expected, in milliseconds. */
const EXPECTED = 3000;

/** How long `take` listens where none is expected: a datagram takes less than one of these milliseconds. */
const SILENCE = 250;

/** Sends and receives UDP in a host, with the kernel's own sockets. */
export class Agent {
	readonly #process: Running;
	#answers = 0;
	#last: Promise<unknown> = Promise.resolve();

	constructor(host: Host) {
		this.#process = host.spawn(process.execPath, [
			path.join(import.meta.dirname, "agent-process.mjs"),
		]);
	}

	async listen(port: number, ...addresses: string[]): Promise<void> {
		for (const address of addresses)
			await this.#ask({ op: "listen", address, port });
	}

	async send(
		request: Omit<SendRequest, "op" | "sizes" | "ports"> & {
			ports?: number[];
			sizes?: number[];
		},
	): Promise<void> {
		await this.#ask({ op: "send", sizes: [100], ports: [0], ...request });
	}

	/**
	 * Takes what has come in since the last call: returns once `count` datagrams have, or after `wait` ms. Without
	 * a count it listens for a quarter of a second and returns everything.
	 */
	async take(
		count = 0,
		wait = count > 0 ? EXPECTED : SILENCE,
	): Promise<Datagram[]> {
		return (await this.#ask({ op: "take", count, wait })) as Datagram[];
	}

	#ask(request: Request): Promise<unknown> {
		const answer = this.#last.then(async () => {
			const number = this.#answers++;
			this.#process.write(`${JSON.stringify(request)}\n`);
			const lines = new RegExp(`^(?:.*\\n){${number}}(.*)\\n`);
			const match = await this.#process.ready(lines);
			return JSON.parse(match[1] as string).answer;
		});
		this.#last = answer.catch(() => {});
		return answer;
	}
}
