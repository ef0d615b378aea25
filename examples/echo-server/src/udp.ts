import {
	AF_INET,
	AF_INET6,
	bind,
	check,
	poll,
	SO_DOMAIN,
	SOCK_DGRAM,
	setOption,
	sockaddr,
	socket,
	socketOption,
} from "./libc.js";
import { Message } from "./message.js";

const SOL_IP = 0;
const IP_PKTINFO = 8;
const IP_ORIGDSTADDR = 20;
const SOL_IPV6 = 41;
const IPV6_V6ONLY = 26;
const IPV6_PKTINFO = 50;
const IPV6_ORIGDSTADDR = 74;
const IPV6_FREEBIND = 78;

/** A UDP socket on one address. */
export function listen(address: string, port: number): number {
	const v6 = address.includes(":");
	const fd = check(
		socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0),
		"socket",
	);
	if (v6) setOption(fd, SOL_IPV6, IPV6_V6ONLY, 1);
	const name = sockaddr(address, port);
	check(bind(fd, name, name.length), `bind udp ${address} ${port}`);
	return fd;
}

/** Has the kernel report, with each datagram, the address that it was sent to: a dispatcher sends more than our own address. */
function prepare(fd: number): void {
	if (socketOption(fd, SO_DOMAIN) === AF_INET) {
		setOption(fd, SOL_IP, IP_ORIGDSTADDR, 1);
		return;
	}
	setOption(fd, SOL_IPV6, IPV6_ORIGDSTADDR, 1);
	// A reply leaves from an address that is routed here, but no interface has.
	setOption(fd, SOL_IPV6, IPV6_FREEBIND, 1);
}

/** Sends every datagram back, from the address that it was sent to, for as long as the process runs. */
export async function echo(fds: readonly number[]): Promise<void> {
	const message = new Message();
	const descriptors = Buffer.alloc(8 * fds.length);
	for (const [i, fd] of fds.entries()) {
		prepare(fd);
		descriptors.writeInt32LE(fd, 8 * i);
		descriptors.writeInt16LE(POLLIN, 8 * i + 4);
	}
	for (;;) {
		await readable(descriptors, fds.length);
		for (const fd of fds) answer(fd, message);
	}
}

/** Waits in a thread of its own, a little at a time, so that the process can end. */
const readable = (descriptors: Buffer, count: number) =>
	new Promise<void>((resolve) =>
		poll.async(descriptors, count, PATIENCE, () => resolve()),
	);

function answer(fd: number, message: Message): void {
	for (let i = 0; i < BURST; i++) {
		const length = message.receive(fd);
		if (length < 0) return;
		const v4 = message.control(SOL_IP, IP_ORIGDSTADDR);
		const v6 = message.control(SOL_IPV6, IPV6_ORIGDSTADDR);
		// Both controls hold a sockaddr; a reply that cannot be sent is lost, as UDP may lose any.
		if (v4) message.reply(fd, length, SOL_IP, IP_PKTINFO, pktinfo4(v4));
		if (v6) message.reply(fd, length, SOL_IPV6, IPV6_PKTINFO, pktinfo6(v6));
	}
}

/** `struct in_pktinfo` for a source address; the route chooses the interface. */
function pktinfo4(sockaddr: Buffer): Buffer {
	const info = Buffer.alloc(12);
	sockaddr.copy(info, 4, 4, 8);
	return info;
}

/** `struct in6_pktinfo` for a source address. */
function pktinfo6(sockaddr: Buffer): Buffer {
	const info = Buffer.alloc(20);
	sockaddr.copy(info, 0, 8, 24);
	return info;
}

const SOCK_CLOEXEC = 0o2000000;
const POLLIN = 1;
/** In milliseconds. */
const PATIENCE = 200;
/** Datagrams from one socket before the other has its turn. */
const BURST = 64;
