// Needs root, BPF and clang: rows of the tables that are replaced while packets pass.
import { needs, testWith } from "@sluice/testbed";
import test from "ava";
import { eth } from "../helpers/packet.js";
import { rx, tx } from "../helpers/packet-case.js";
import { replaceRows } from "../helpers/replace-rows.js";
import { packetBench } from "../helpers/run-packet.js";
import { configure, program, type ServiceRow } from "../helpers/services.js";
import { client, far, near, port, tunnels } from "./site.js";

const bpfTest = testWith(test.serial as typeof test, needs.root, needs.bpf);

/** Slot of a key of up to three pairs of words, as bpf/lib/lookup_cache.h has it. */
function slotOf(key: Buffer): bigint {
	const words = Buffer.alloc(24);
	key.copy(words);
	const factors = [
		...[0x9e3779b97f4a7c15n, 0xc2b2ae3d27d4eb4fn, 0x165667b19e3779f9n],
	];
	const sum = factors.reduce(
		(sum, factor, i) => sum + words.readBigUInt64LE(i * 8) * factor,
		0n,
	);
	return (sum >> 56n) & 0xffn;
}

/** An endpoint, and where requests to it come in. */
function endpointKey(address: string, port: number, ifindex: number): Buffer {
	const key = Buffer.alloc(24);
	key.writeUInt16BE(0xffff, 10);
	Buffer.from(address.split(".").map(Number)).copy(key, 12);
	key.writeUInt16BE(port, 16);
	key.writeUInt8(TCP, 18);
	key.writeUInt32LE(ifindex, 20);
	return key;
}

function sidKey(service: number): Buffer {
	const key = Buffer.alloc(4);
	key.writeUInt16LE(service);
	key.writeUInt16LE(GROUP, 2);
	return key;
}

/** Those that share a slot, so that a packet for another one than before is a lookup in the table. */
function ofOneSlot<T>(all: T[], keyOf: (one: T) => Buffer): T[] {
	return all.filter((one) => slotOf(keyOf(one)) === 0n).slice(0, SERVICES);
}

const numbers = Array.from({ length: 4096 }, (_, i) => i);
const addresses = (prefix: string) =>
	numbers.map((i) => `${prefix}.${i >> 8}.${i & 255}`);

const TCP = 6;
const SERVICES = 8;
const GROUP = 7;
const LO = 1;
const proxies = ofOneSlot(addresses("5.5"), (one) =>
	endpointKey(one, 3100, LO),
);
const backends = ofOneSlot(addresses("1.1"), (one) =>
	endpointKey(one, 4000, 0),
);
const sids = ofOneSlot(numbers, sidKey);
const services = proxies.map(
	(proxy, i): ServiceRow => ({
		...{ service: sids[i] as number, group: GROUP },
		...{ proto: "tcp", tunnel: 100, key: `key ${i}` },
		...{ proxy, proxyPort: 3100 },
		...{ backend: backends[i] as string, backendPort: 4000 },
	}),
);
const packet = (to: string, port: number) =>
	eth().ipv4(client, to).tcp(40000, port).payload("hello").bytes();
const reply = ({ service, group, backend, backendPort, key }: ServiceRow) =>
	eth()
		.ipv4(far, near)
		.udp(port, port)
		.gue({ service, group }, key)
		.ipv4(backend, client)
		.tcp(backendPort, 40000)
		.payload("hello")
		.bytes();
const OK = 0;
/** Where a frame has its destination's address, and the service id of its GUE header. */
const DESTINATION = 14 + 16;
const SERVICE_ID = 14 + 20 + 8 + 4;

bpfTest("a row is found, and read whole, while it is replaced", async (t) => {
	const { tables, mapFd, ingress, egress, ...bench } = packetBench();
	program(tables, tunnels, services);
	configure(tables, { ingress: rx.dnat, egress: tx.proxy });
	const context = bench.context({});
	const translated = (data: Buffer, i: number) => {
		const run = ingress.testRun({ data, context });
		return (
			run.verdict === OK &&
			run.data.subarray(DESTINATION, DESTINATION + 4).join(".") === backends[i]
		);
	};
	const encapsulated = (data: Buffer, i: number) => {
		const run = egress.testRun({ data, context });
		return run.verdict === OK && run.data.readUInt16BE(SERVICE_ID) === sids[i];
	};
	const decapsulated = (data: Buffer) => {
		const run = ingress.testRun({ data, context });
		return run.verdict === OK && run.data.length < data.length;
	};

	const requests = services.map((one) => packet(one.proxy, one.proxyPort));
	const inner = services.map((one) => packet(one.backend, one.backendPort));
	for (const [map, sizes, packets, isRight] of [
		["map_nat", [20, 20], requests, translated],
		["map_encap", [20, 24], inner, encapsulated],
		["map_verify", [4, 60], services.map(reply), decapsulated],
	] as const) {
		// Where the kernel is emulated, code takes long when it runs for the first time.
		t.true(packets.every(isRight), map);
		const stop = await replaceRows(t, mapFd(map), [...sizes]);
		let wrong = 0;
		for (let round = 0; round < 8000; round++)
			for (const [i, data] of packets.entries()) if (!isRight(data, i)) wrong++;
		await stop();
		t.is(wrong, 0, map);
	}
});
