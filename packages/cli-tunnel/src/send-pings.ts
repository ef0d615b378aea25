import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "@sluice/cli-kit";
import type { Tunnel } from "@sluice/maps/tables";

/** One tunnel to ping. */
export interface Target {
	id: number;
	tunnel: Tunnel;
	/** The two ends as text. */
	from: string;
	to: string;
	payload: Buffer;
}

/** Told for each ping that has left. */
export interface Sent {
	target: Target;
	/** 1 for a tunnel's first ping. */
	number: number;
}

/** What the sender tells while it goes on. */
export interface PingListener {
	sent(ping: Sent): void;
	/** A ping that could not leave; the next one may. */
	failed(error: Failure): void;
	/** Ends the pings. */
	stopped: AbortSignal | undefined;
}

/**
 * Sends every target its pings, from the tunnel's own local endpoint, since it is the sender that the far end learns.
 *
 * @param interval seconds between two rounds
 * @throws Failure failed, where a local endpoint is not this machine's, or not one ping could leave
 */
export async function sendPings(
	targets: readonly Target[],
	interval: number,
	count: number,
	listener: PingListener,
): Promise<void> {
	const sockets = new Map<string, Socket>();
	let left = 0;
	try {
		for (const target of targets)
			if (!sockets.has(target.from))
				sockets.set(target.from, await bind(target));
		for (let number = 1; number <= count; number++) {
			for (const target of targets) {
				if (listener.stopped?.aborted) return;
				const error = await send(sockets.get(target.from) as Socket, target);
				if (error) {
					listener.failed(error);
					continue;
				}
				left++;
				listener.sent({ target, number });
			}
			if (number < count) await wait(interval, listener.stopped);
		}
	} finally {
		for (const socket of sockets.values()) socket.close();
	}
	if (left === 0) throw new Failure("failed", "not one ping could be sent");
}

/** Waits for so many seconds, or until it is stopped. */
const wait = (seconds: number, signal: AbortSignal | undefined) =>
	sleep(1000 * seconds, undefined, signal ? { signal } : {}).catch(() => {});

function bind({ tunnel, from }: Target): Promise<Socket> {
	const socket = createSocket({
		type: isIPv6(tunnel.local) ? "udp6" : "udp4",
		reuseAddr: true,
	});
	return new Promise((resolve, reject) => {
		socket.once("error", (error: NodeJS.ErrnoException) =>
			reject(
				new Failure("failed", `bind ${from}: ${error.code}`, {
					code: error.code ?? "FAILED",
					hint: "ip-local must be an address of this machine, with no other program on the port",
					cause: error,
				}),
			),
		);
		socket.bind({ address: tunnel.local, port: tunnel.localPort }, () => {
			socket.removeAllListeners("error");
			// An ICMP error that comes back is about a ping that was lost: the next one may not be.
			socket.on("error", () => {});
			resolve(socket);
		});
	});
}

/** Sends one ping. Returns why it could not leave. */
function send(
	socket: Socket,
	{ tunnel, to, payload }: Target,
): Promise<Failure | undefined> {
	return new Promise((resolve) => {
		socket.send(payload, tunnel.remotePort, tunnel.remote, (error) => {
			const code = (error as NodeJS.ErrnoException | null)?.code;
			// The answer to an earlier ping: the far end's port is closed, and this one has gone all the same.
			if (!error || code === "ECONNREFUSED") resolve(undefined);
			else
				resolve(
					new Failure("failed", `send a ping to ${to}: ${code}`, {
						code: code ?? "FAILED",
						cause: error,
					}),
				);
		});
	});
}
