import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { loadObject } from "@sluice/maps";
import {
	bindingIndexTable,
	bindingKey,
	indexKeyOf,
	indexSubnetsTable,
	packedBindingKey,
	packedBindingsTable,
	socketsTable,
} from "@sluice/maps/tables";
import { compileBpf } from "@sluice/testbed";
import { interleave } from "../interleave.js";
import type { Row } from "../table.js";
import { lookupContext } from "./context.js";

export const REFERENCE = "two lookups";
export const OURS = "ours";
export const INDEXED = "ours, --index";

const source = join(import.meta.dirname, "lookups.bpf.c");
const PORT = 80;
const TCP = 6;

/** Bits of a binding's key: protocol, port, `::ffff:0:0/96`. */
const HEADER = 24 + 96;

type Bindings = {
	title: string;
	count: number;
	/** Length of their prefixes. */
	bits: number;
	/** 0: every port. */
	port: number;
};

/** Nanoseconds for each lookup, of one key again and again and of keys by chance. */
export async function lookupRows({
	title,
	count,
	bits,
	port,
}: Bindings): Promise<Row[]> {
	const object = loadObject(
		compileBpf(source, { define: { BINDINGS: count, PREFIX_BITS: bits } }),
	);
	const server = await listen();
	try {
		fill(object, count, bits, port);
		const sockets = object.table(socketsTable);
		sockets.set(0, BigInt(descriptorOf(server)));
		sockets.close();
		const middle = address(Math.floor(count / 2), bits);
		const time = (name: string, program: string, packet: string) => ({
			name,
			measure: async () =>
				timed(object.program(program), lookupContext(packet, PORT)),
		});
		const contenders = (suffix: string, packet: string) => [
			time(REFERENCE, `reference${suffix}`, packet),
			time(OURS, `dispatcher${suffix}`, packet),
			time(INDEXED, `dispatcher_idx${suffix}`, packet),
		];
		return [
			{
				title: `${title}, same key`,
				unit: "ns",
				samples: await interleave(contenders("", middle)),
			},
			{
				title: `${title}, random keys`,
				unit: "ns",
				samples: await interleave(contenders("_any", middle)),
			},
			...(count === 1
				? [
						{
							title: "no binding matches",
							unit: "ns",
							samples: await interleave(contenders("", "192.0.2.99")),
						},
					]
				: []),
		];
	} finally {
		object.close();
		server.close();
	}
}

type Object = ReturnType<typeof loadObject>;

const REPEAT = 200_000;

function timed(program: ReturnType<Object["program"]>, context: Buffer) {
	program.testRun({ context, repeat: REPEAT / 10 });
	return program.testRun({ context, repeat: REPEAT }).duration;
}

function fill(object: Object, count: number, bits: number, port: number) {
	const bindings = object.table(packedBindingsTable);
	const index = object.table(bindingIndexTable);
	const others = object.table(indexSubnetsTable);
	const prefixlen = HEADER + bits;
	const key = Buffer.alloc(bindingKey.size);
	const entries = Array.from({ length: count }, (_, i) => {
		const addr = address(i, bits);
		bindingKey.write(key, 0, { prefixlen, protocol: TCP, port, addr });
		return [packedBindingKey.read(key, 0), { id: 0, prefixlen }] as const;
	});
	bindings.setMany(entries);
	if (bits === 32)
		index.setMany(entries.map(([key, value]) => [indexKeyOf(key), value]));
	else others.set(0, BigInt(count));
	for (const table of [bindings, index, others]) table.close();
}

/** Binding i's lowest address, as the C file has it. */
function address(i: number, bits: number): string {
	const number = 10 * 2 ** 24 + i * 2 ** (32 - bits);
	return [24, 16, 8, 0].map((shift) => (number / 2 ** shift) & 255).join(".");
}

async function listen(): Promise<Server> {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	return server;
}

const descriptorOf = (server: Server) =>
	(server as unknown as { _handle: { fd: number } })._handle.fd;
