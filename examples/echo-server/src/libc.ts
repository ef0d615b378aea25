import koffi from "koffi";

// The socket calls that Node does not offer. They return -1 and set errno.

const libc = koffi.load("libc.so.6");

export const socket = libc.func(
	"int socket(int domain, int type, int protocol)",
);
export const bind = libc.func(
	"int bind(int fd, const void *address, uint32_t length)",
);
export const connect = libc.func(
	"int connect(int fd, const void *address, uint32_t length)",
);
export const setsockopt = libc.func(
	"int setsockopt(int fd, int level, int name, const void *value, uint32_t length)",
);
export const getsockopt = libc.func(
	"int getsockopt(int fd, int level, int name, void *value, void *length)",
);
export const recvmsg = libc.func(
	"long recvmsg(int fd, void *message, int flags)",
);
export const sendmsg = libc.func(
	"long sendmsg(int fd, const void *message, int flags)",
);
export const send = libc.func(
	"long send(int fd, const void *data, size_t length, int flags)",
);
export const recv = libc.func(
	"long recv(int fd, void *data, size_t length, int flags)",
);
export const poll = libc.func(
	"int poll(void *descriptors, uint64_t count, int timeout)",
);

/** @throws Error, where a call returned -1 */
export function check(result: number, doing: string): number {
	if (result >= 0) return result;
	throw new Error(`${doing}: errno ${koffi.errno()}`);
}

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOL_SOCKET = 1;
export const SO_TYPE = 3;
export const SO_DOMAIN = 39;

export function setOption(
	fd: number,
	level: number,
	name: number,
	value: number,
): void {
	const bytes = Buffer.alloc(4);
	bytes.writeInt32LE(value);
	check(setsockopt(fd, level, name, bytes, bytes.length), "setsockopt");
}

/** An option of SOL_SOCKET. */
export function socketOption(fd: number, name: number): number {
	const value = Buffer.alloc(4);
	const length = Buffer.alloc(4);
	length.writeUInt32LE(4);
	check(getsockopt(fd, SOL_SOCKET, name, value, length), "getsockopt");
	return value.readInt32LE();
}

/** A `struct sockaddr_un`; a path that begins with @ is a name in the abstract namespace. */
export function sockaddrUnix(path: string): Buffer {
	const abstract = path.startsWith("@");
	const name = Buffer.from(abstract ? `\0${path.slice(1)}` : `${path}\0`);
	const family = Buffer.alloc(2);
	family.writeUInt16LE(AF_UNIX);
	return Buffer.concat([family, name]);
}

/** A `struct sockaddr_in` or `sockaddr_in6`. */
export function sockaddr(address: string, port: number): Buffer {
	const v6 = address.includes(":");
	const bytes = Buffer.alloc(v6 ? 28 : 16);
	bytes.writeUInt16LE(v6 ? AF_INET6 : AF_INET, 0);
	bytes.writeUInt16BE(port, 2);
	if (!v6) bytes.set(address.split(".").map(Number), 4);
	else if (address === "::1") bytes[23] = 1;
	else throw new RangeError(`cannot bind to ${address}`);
	return bytes;
}
