import { createSocket, type Socket } from "node:dgram";
import { Failure } from "@sluice/cli-kit";
import type { Target } from "./targets.js";

/** The sockets on the local endpoints of tunnels: made when they are needed, again where that failed. */
export class Sockets {
	readonly #sockets = new Map<string, Socket>();
	readonly #received: (message: Buffer) => void;

	constructor(received: (message: Buffer) => void) {
		this.#received = received;
	}

	/** Closes those that no target needs any more. */
	keep(targets: readonly Target[]): void {
		const needed = new Set(targets.map(({ from }) => from));
		for (const [from, socket] of this.#sockets) {
			if (needed.has(from)) continue;
			socket.close();
			this.#sockets.delete(from);
		}
	}

	/** Sends from the tunnel's own local endpoint, since it is the sender that the far end learns. @throws Failure */
	async send(target: Target, payload: Buffer): Promise<void> {
		const { tunnel, to, from } = target;
		let socket = this.#sockets.get(from);
		if (!socket) {
			socket = await bind(target);
			socket.on("message", this.#received);
			this.#sockets.set(from, socket);
		}
		const error = await new Promise<Error | null>((resolve) =>
			socket.send(payload, tunnel.remotePort, String(tunnel.remote), resolve),
		);
		const code = (error as NodeJS.ErrnoException | null)?.code;
		// The ICMP error of an earlier ping to a closed port; this ping was sent.
		if (!error || code === "ECONNREFUSED") return;
		throw new Failure("failed", `send a ping to ${to}: ${code}`, {
			code: code ?? "FAILED",
			cause: error,
		});
	}

	close(): void {
		for (const socket of this.#sockets.values()) socket.close();
		this.#sockets.clear();
	}
}

function bind({ tunnel, from }: Target): Promise<Socket> {
	const socket = createSocket({
		type: tunnel.local.isIpv4 ? "udp4" : "udp6",
		reuseAddr: true,
	});
	return new Promise((resolve, reject) => {
		socket.once("error", (error: NodeJS.ErrnoException) => {
			socket.close();
			reject(
				new Failure("failed", `bind ${from}: ${error.code}`, {
					code: error.code ?? "FAILED",
					hint: "ip-local must be an address of this machine, with no other program on the port",
					cause: error,
				}),
			);
		});
		socket.bind(
			{ address: String(tunnel.local), port: tunnel.localPort },
			() => {
				socket.removeAllListeners("error");
				// An ICMP error is about one lost ping: the next may succeed.
				socket.on("error", () => {});
				resolve(socket);
			},
		);
	});
}
