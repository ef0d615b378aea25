import { SO_TYPE, SOCK_STREAM, socketOption } from "./libc.js";
import { notifyReady } from "./notify.js";
import * as tcp from "./tcp.js";
import * as udp from "./udp.js";

// An echo server for TCP and UDP, IPv4 and IPv6.
//
//   echo-server [port]      on 127.0.0.1 and ::1, port 1234 unless another is given; where a service manager
//                           passes sockets (LISTEN_FDS), on those

const FIRST_PASSED = 3;
const ADDRESSES = ["127.0.0.1", "::1"];

async function main(): Promise<void> {
	const { LISTEN_FDS, NOTIFY_SOCKET } = process.env;
	const datagrams = LISTEN_FDS
		? await servePassed(Number(LISTEN_FDS))
		: await serveOwn(Number(process.argv[2] ?? 1234));
	void udp.echo(datagrams);
	notifyReady(NOTIFY_SOCKET);
	for (const signal of ["SIGINT", "SIGTERM"] as const)
		process.once(signal, () => process.exit());
}

/** Returns the UDP sockets. */
async function serveOwn(port: number): Promise<number[]> {
	for (const host of ADDRESSES)
		await tcp.echo({ host, port, ipv6Only: host.includes(":") });
	return ADDRESSES.map((address) => udp.listen(address, port));
}

async function servePassed(count: number): Promise<number[]> {
	const passed = Array.from({ length: count }, (_, i) => FIRST_PASSED + i);
	const isStream = (fd: number) => socketOption(fd, SO_TYPE) === SOCK_STREAM;
	for (const fd of passed.filter(isStream)) await tcp.echo({ fd });
	return passed.filter((fd) => !isStream(fd));
}

main().catch((error: Error) => {
	console.error(`echo-server: ${error.message}`);
	process.exitCode = 1;
});
