// Sends and receives UDP in a host, told what to do by lines of JSON on stdin, one answer a line on stdout.
// Plain JavaScript, which starts in a tenth of the time: there are four of them in every lab.

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import koffi from "koffi";

const SOL_SOCKET = 1;
const SO_NO_CHECK = 11;
const SO_RCVBUFFORCE = 33;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
const setsockopt = koffi
	.load("libc.so.6")
	.func(
		"int setsockopt(int fd, int level, int name, const void *value, unsigned int length)",
	);

/** @type {import("./agent.js").Datagram[]} */
let received = [];
/** Called for each datagram. */
let arrived = () => {};

/** What every datagram of that size holds. */
function payload(size) {
	const bytes = Buffer.alloc(size);
	for (let i = 0; i < size; i++) bytes[i] = (i * 31 + (i >> 8) + size) & 0xff;
	return bytes;
}

/** What is sent at once: one datagram, or as many of `segment` bytes as make up `size`. */
const bytesOf = (size, segment) =>
	segment
		? Buffer.concat(
				Array.from({ length: size / segment }, () => payload(segment)),
			)
		: payload(size);

function set(socket, level, name, number) {
	const value = Buffer.alloc(4);
	value.writeInt32LE(number);
	if (setsockopt(socket._handle.fd, level, name, value, 4) !== 0)
		throw new Error(`setsockopt ${level} ${name}: errno ${koffi.errno()}`);
}

const typeFor = (address) => (isIPv6(address) ? "udp6" : "udp4");

async function bound(address, port) {
	const socket = createSocket(typeFor(address));
	socket.bind(port, address);
	await once(socket, "listening");
	return socket;
}

async function listen(address, port) {
	const socket = await bound(address, port);
	// Whatever net.core.rmem_max is: it holds what comes while this process has no CPU.
	set(socket, SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20);
	const at = `${address}:${port}`;
	socket.on("message", (bytes, from) => {
		received.push({
			at,
			from: from.address,
			port: from.port,
			size: bytes.length,
			intact: bytes.equals(payload(bytes.length)),
		});
		arrived();
	});
}

/** Waits until `count` datagrams have come in, or for `wait` milliseconds. */
async function take(count, wait) {
	if (count === 0 || received.length < count)
		await new Promise((resolve) => {
			const timer = setTimeout(resolve, wait);
			arrived = () => {
				if (count === 0 || received.length < count) return;
				clearTimeout(timer);
				resolve();
			};
		});
	arrived = () => {};
	const all = received;
	received = [];
	return all;
}

/** @param {import("./agent.js").SendRequest} request */
async function send(request) {
	const { to, port, sizes, from, ports, gap, noChecksum, segment } = request;
	for (const source of ports) {
		const socket = await bound(from, source);
		socket.on("error", () => {});
		if (noChecksum) set(socket, SOL_SOCKET, SO_NO_CHECK, 1);
		if (segment) set(socket, SOL_UDP, UDP_SEGMENT, segment);
		for (const size of sizes) {
			await new Promise((resolve) => {
				// A refusal is about an earlier one.
				socket.send(bytesOf(size, segment), port, to, () => resolve());
			});
			if (gap) await sleep(gap);
		}
		socket.close();
	}
}

for await (const line of createInterface({ input: process.stdin })) {
	/** @type {import("./agent.js").Request} */
	const request = JSON.parse(line);
	let answer = null;
	if (request.op === "listen") await listen(request.address, request.port);
	else if (request.op === "send") await send(request);
	else answer = await take(request.count, request.wait);
	console.log(JSON.stringify({ answer }));
}
process.exit(0);
