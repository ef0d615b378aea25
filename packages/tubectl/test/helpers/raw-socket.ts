import { closeSync } from "node:fs";
import { socketInfo } from "@sluice/maps";
import type { ExecutionContext } from "ava";
import koffi from "koffi";

// Sockets that Node would not make: bound and not listening, connected datagrams, dual-stack.

const libc = koffi.load("libc.so.6");
const socket = libc.func("int socket(int domain, int type, int protocol)");
const bind = libc.func(
	"int bind(int fd, const void *address, uint32_t length)",
);
const connect = libc.func(
	"int connect(int fd, const void *address, uint32_t length)",
);
const listen = libc.func("int listen(int fd, int backlog)");
const dup = libc.func("int dup(int fd)");
const setsockopt = libc.func(
	"int setsockopt(int fd, int level, int name, const void *value, uint32_t length)",
);

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const types = { tcp: 1, udp: 2 } as const;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_REUSEPORT = 15;
const SO_BINDTODEVICE = 25;
const IPPROTO_MPTCP = 262;
const SOL_IPV6 = 41;
const IPV6_V6ONLY = 26;

export interface RawOptions {
	/** Where to bind; any free port by default. */
	port?: number;
	/** IPv6, for IPv4 too: bound to ::. */
	dualStack?: boolean;
	reuseport?: boolean;
	reuseaddr?: boolean;
	listen?: boolean;
	/** An MPTCP socket in place of TCP's. */
	mptcp?: boolean;
	/** Binds it to an interface. */
	device?: string;
	/** Connects a datagram socket to the discard port. */
	connect?: boolean;
}

export interface RawSocket {
	fd: number;
	port: number;
	/** As tubectl prints it. */
	cookie: string;
	/** Closes it before the test ends. */
	close(): void;
}

/** Makes a socket, closed with the test. */
export function rawSocket(
	t: ExecutionContext,
	family: "ipv4" | "ipv6",
	protocol: "tcp" | "udp",
	options: RawOptions = {},
): RawSocket {
	const v6 = family === "ipv6";
	const fd = ok(
		socket(
			v6 ? AF_INET6 : AF_INET,
			types[protocol],
			options.mptcp ? IPPROTO_MPTCP : 0,
		),
	);
	let isOpen = true;
	const close = () => {
		if (isOpen) closeSync(fd);
		isOpen = false;
	};
	t.teardown(close);
	if (v6 && !options.dualStack) option(fd, SOL_IPV6, IPV6_V6ONLY);
	if (options.reuseaddr) option(fd, SOL_SOCKET, SO_REUSEADDR);
	if (options.reuseport) option(fd, SOL_SOCKET, SO_REUSEPORT);
	if (options.device) {
		const device = Buffer.from(`${options.device}\0`);
		ok(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, device.length));
	}
	const name = sockaddr(v6, options.dualStack ?? false, options.port ?? 0);
	ok(bind(fd, name, name.length));
	if (options.listen) ok(listen(fd, 16));
	if (options.connect) {
		const peer = sockaddr(v6, false, 9);
		ok(connect(fd, peer, peer.length));
	}
	const { cookie, local } = socketInfo(fd);
	return {
		fd,
		port: local?.port ?? 0,
		cookie: `sk:${cookie.toString(16)}`,
		close,
	};
}

/** A unix socket that listens nowhere. */
export function unixSocket(t: ExecutionContext): number {
	const fd = ok(socket(AF_UNIX, types.tcp, 0));
	t.teardown(() => closeSync(fd));
	return fd;
}

/** Another descriptor of the same socket. */
export function duplicate(t: ExecutionContext, fd: number): number {
	const other = ok(dup(fd));
	t.teardown(() => closeSync(other));
	return other;
}

function option(fd: number, level: number, name: number): void {
	const on = Buffer.from([1, 0, 0, 0]);
	ok(setsockopt(fd, level, name, on, on.length));
}

function sockaddr(v6: boolean, any: boolean, port: number): Buffer {
	const bytes = Buffer.alloc(v6 ? 28 : 16);
	bytes.writeUInt16LE(v6 ? AF_INET6 : AF_INET, 0);
	bytes.writeUInt16BE(port, 2);
	if (v6) bytes[23] = any ? 0 : 1;
	else bytes.set([127, 0, 0, 1], 4);
	return bytes;
}

function ok(result: number): number {
	if (result < 0) throw new Error(`errno ${koffi.errno()}`);
	return result;
}
