// Needs root, BPF and clang: rows of the tables that are replaced while packets pass.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { needs, testWith } from "@sluice/testbed";
import test, { type ExecutionContext } from "ava";
import { ownDirectory } from "../helpers/own-directory.js";
import { eth } from "../helpers/packet.js";
import { rx, tx } from "../helpers/packet-case.js";
import { packetBench } from "../helpers/run-packet.js";
import { configure, program, type ServiceRow } from "../helpers/services.js";
import { client, tunnels } from "./site.js";

const bpfTest = testWith(test.serial as typeof test, needs.root, needs.bpf);

/** Slot of an endpoint in the lookup cache, as bpf/lib/lookup_cache.h has it. */
function slotOf(address: string, port: number, ifindex: number): bigint {
	const words = Buffer.alloc(24);
	words.writeUInt16BE(0xffff, 10);
	Buffer.from(address.split(".").map(Number)).copy(words, 12);
	words.writeUInt16BE(port, 16);
	words.writeUInt8(TCP, 18);
	words.writeUInt32LE(ifindex, 20);
	const factors = [
		...[0x9e3779b97f4a7c15n, 0xc2b2ae3d27d4eb4fn, 0x165667b19e3779f9n],
	];
	const sum = factors.reduce(
		(sum, factor, i) => sum + words.readBigUInt64LE(i * 8) * factor,
		0n,
	);
	return (sum >> 56n) & 0xffn;
}

/** Addresses that share a slot, so that a packet to another one than before is a lookup in the table. */
function ofOneSlot(prefix: string, port: number, ifindex: number): string[] {
	const all = Array.from({ length: 4096 }, (_, i) => [
		...[prefix, i >> 8, i & 255],
	]).map((parts) => parts.join("."));
	return all
		.filter((one) => slotOf(one, port, ifindex) === 0n)
		.slice(0, SERVICES);
}

const TCP = 6;
const SERVICES = 8;
const LO = 1;
const proxies = ofOneSlot("5.5", 3100, LO);
const backends = ofOneSlot("1.1", 4000, 0);
const services = proxies.map(
	(proxy, i): ServiceRow => ({
		...{ service: i + 1, group: 7, proto: "tcp", tunnel: 100, key: `key ${i}` },
		...{ proxy, proxyPort: 3100 },
		...{ backend: backends[i] as string, backendPort: 4000 },
	}),
);
const packet = (to: string, port: number) =>
	eth().ipv4(client, to).tcp(40000, port).payload("hello").bytes();
const OK = 0;
/** Where a frame has its destination's address, and the service id of its GUE header. */
const DESTINATION = 14 + 16;
const SERVICE_ID = 14 + 20 + 8 + 4;

/** Replaces each row of a map by itself, until it is stopped. */
async function replaceRows(t: ExecutionContext, map: number, sizes: number[]) {
	const replacer = path.join(ownDirectory(t), "rewrite_rows");
	execFileSync("clang", [
		...["-O2", "-o", replacer],
		path.join(import.meta.dirname, "fixtures/rewrite_rows.c"),
	]);
	const child = spawn(replacer, sizes.map(String), {
		stdio: ["pipe", "pipe", "inherit", map],
	});
	await once(child.stdout as NodeJS.ReadableStream, "data");
	return async () => {
		child.stdin?.end();
		const [code] = await once(child, "exit");
		t.is(code, 0);
	};
}

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
		return run.verdict === OK && run.data.readUInt16BE(SERVICE_ID) === i + 1;
	};

	for (const [map, sizes, to, isRight] of [
		["map_nat", [20, 20], "proxy", translated],
		["map_encap", [20, 24], "backend", encapsulated],
	] as const) {
		const packets = services.map((one) => packet(one[to], one[`${to}Port`]));
		const stop = await replaceRows(t, mapFd(map), [...sizes]);
		let wrong = 0;
		for (let round = 0; round < 8000; round++)
			for (const [i, data] of packets.entries()) if (!isRight(data, i)) wrong++;
		await stop();
		t.is(wrong, 0, map);
	}
});
