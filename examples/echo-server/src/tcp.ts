import { once } from "node:events";
import { createServer, type ListenOptions } from "node:net";

/** Sends back what each connection sends. A reply leaves from the address that was asked without more ado. */
export async function echo(where: ListenOptions | { fd: number }) {
	const server = createServer((connection) => {
		connection.on("error", () => connection.destroy());
		connection.pipe(connection);
	});
	server.listen(where);
	await once(server, "listening");
	return server;
}
