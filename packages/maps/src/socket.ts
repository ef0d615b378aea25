import { closeSync, fstatSync } from "node:fs";
import { Address } from "./address.js";
import { BpfError, errnoName } from "./errors.js";
import { errno, libc } from "./libc.js";

// Asm-generic numbers of SOL_SOCKET, which x86 and arm share.
const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_REUSEPORT = 15;
const SO_ACCEPTCONN = 30;
const SO_PROTOCOL = 38;
const SO_DOMAIN = 39;
const SO_COOKIE = 57;
const SO_BINDTOIFINDEX = 62;
/** An ioctl: a descriptor of the socket's network namespace. */
const SIOCGSKNS = 0x894c;
const SOL_IPV6 = 41;
const IPV6_V6ONLY = 26;

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;

const getsockopt = libc(
	"int getsockopt(int fd, int level, int name, void *value, void *length)",
);
const getsockname = libc(
	"int getsockname(int fd, void *address, void *length)",
);
const getpeername = libc(
	"int getpeername(int fd, void *address, void *length)",
);
const ioctl = libc("int ioctl(int fd, unsigned long request)");

/** A socket's state in the kernel. */
export interface SocketInfo {
	/** AF_INET, AF_INET6, or another family's number. */
	domain: number;
	type: "stream" | "datagram" | "other";
	/** IPPROTO_*. */
	protocol: number;
	/** A stream socket that accepts connections. */
	listening: boolean;
	/** It has a peer. */
	connected: boolean;
	/** An IPv6 socket that leaves IPv4 to others; false for every other family. */
	v6Only: boolean;
	/** It shares its address with other sockets by SO_REUSEPORT. */
	reuseport: boolean;
	/** Index of the interface that it is bound to; 0: every interface. */
	device: number;
	/** The kernel's number of it, never used again. */
	cookie: bigint;
	/** Local address; undefined if it is not an internet socket. */
	local: { address: string; port: number } | undefined;
}

/** @throws BpfError ENOTSOCK not a socket; EBADF no such descriptor. */
export function socketInfo(fd: number): SocketInfo {
	const domain = option(fd, SOL_SOCKET, SO_DOMAIN);
	const internet = domain === AF_INET || domain === AF_INET6;
	const type = option(fd, SOL_SOCKET, SO_TYPE);
	return {
		domain,
		type:
			type === SOCK_STREAM
				? "stream"
				: type === SOCK_DGRAM
					? "datagram"
					: "other",
		protocol: option(fd, SOL_SOCKET, SO_PROTOCOL),
		listening: option(fd, SOL_SOCKET, SO_ACCEPTCONN) === 1,
		connected: name(getpeername, fd) !== undefined,
		v6Only: domain === AF_INET6 && option(fd, SOL_IPV6, IPV6_V6ONLY) === 1,
		reuseport: internet && option(fd, SOL_SOCKET, SO_REUSEPORT) === 1,
		device: internet ? option(fd, SOL_SOCKET, SO_BINDTOIFINDEX) : 0,
		cookie: optionBytes(fd, SOL_SOCKET, SO_COOKIE, 8).readBigUInt64LE(),
		local: internet ? endpointOf(name(getsockname, fd)) : undefined,
	};
}

/**
 * Inode of the network namespace that a socket belongs to: the one in which it was created.
 * @throws BpfError EPERM without CAP_NET_ADMIN there.
 */
export function socketNamespace(fd: number): number {
	const namespace = ioctl(fd, SIOCGSKNS);
	if (namespace < 0)
		throw refused(`find the network namespace of descriptor ${fd}`);
	try {
		return fstatSync(namespace).ino;
	} finally {
		closeSync(namespace);
	}
}

const option = (fd: number, level: number, name: number) =>
	optionBytes(fd, level, name, 4).readInt32LE();

function optionBytes(
	fd: number,
	level: number,
	name: number,
	size: number,
): Buffer {
	const value = Buffer.alloc(size);
	const length = Buffer.alloc(4);
	length.writeUInt32LE(size);
	if (getsockopt(fd, level, name, value, length) < 0)
		throw refused(`read a socket option of descriptor ${fd}`);
	return value;
}

/** A `struct sockaddr`, or undefined where there is none: no peer. */
function name(call: typeof getsockname, fd: number): Buffer | undefined {
	const address = Buffer.alloc(128);
	const length = Buffer.alloc(4);
	length.writeUInt32LE(address.length);
	if (call(fd, address, length) === 0)
		return address.subarray(0, length.readUInt32LE());
	const code = errnoName(errno());
	// A socket that was shut down has no name left, and a unix socket need not have one.
	if (code === "ENOTCONN" || code === "EINVAL" || code === "EOPNOTSUPP")
		return undefined;
	throw refused(`read an address of descriptor ${fd}`);
}

function endpointOf(sockaddr: Buffer | undefined): SocketInfo["local"] {
	if (!sockaddr) return undefined;
	const port = sockaddr.readUInt16BE(2);
	if (sockaddr.readUInt16LE(0) === AF_INET)
		return { address: [...sockaddr.subarray(4, 8)].join("."), port };
	return { address: Address.read(sockaddr, 8).toString(), port };
}

function refused(operation: string): BpfError {
	const code = errnoName(errno());
	return new BpfError(operation, code, {
		...(code === "ENOTSOCK" ? { because: "not a socket" } : {}),
		...(code === "EBADF" ? { because: "no such descriptor" } : {}),
	});
}
