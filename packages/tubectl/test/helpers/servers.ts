import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import {
	type AddressInfo,
	connect,
	createServer,
	type ListenOptions,
	type Server,
} from "node:net";
import type { ExecutionContext } from "ava";

/** A TCP server that answers each connection with its name, closed with the test. */
export async function greeter(
	t: ExecutionContext,
	name: string,
	options: ListenOptions = {},
): Promise<{ server: Server; address: string; port: number }> {
	const server = createServer((socket) => {
		socket.on("error", () => socket.destroy());
		socket.end(name);
	});
	server.listen({ host: "127.0.0.1", port: 0, ...options });
	await once(server, "listening");
	t.teardown(() => void server.close());
	const { address, port } = server.address() as AddressInfo;
	return { server, address, port };
}

/** What the server at an endpoint says, or the error's code. */
export function greeting(host: string, port: number): Promise<string> {
	return new Promise((resolve) => {
		const socket = connect({ host, port, timeout: 5000 });
		let text = "";
		socket.on("data", (data) => {
			text += data;
		});
		socket.on("end", () => resolve(text));
		socket.on("timeout", () => {
			socket.destroy();
			resolve("ETIMEDOUT");
		});
		socket.on("error", (error: NodeJS.ErrnoException) =>
			resolve(error.code ?? error.message),
		);
	});
}

/** A UDP socket, closed with the test. */
export async function datagrams(
	t: ExecutionContext,
	address: string,
): Promise<{ socket: Socket; port: number }> {
	const type = address.includes(":") ? "udp6" : "udp4";
	const socket = createSocket({ type, ipv6Only: type === "udp6" });
	socket.bind(0, address);
	await once(socket, "listening");
	t.teardown(() => void socket.close());
	return { socket, port: socket.address().port };
}

/** The descriptor of a listening server. */
export const descriptor = (server: Server) =>
	(server as unknown as { _handle: { fd: number } })._handle.fd;
