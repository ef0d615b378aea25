import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { loadObject, type OpenTable } from "@sluice/maps";
import {
	type BindingValue,
	bindingKey,
	indexBindingsTable,
	indexKeyOf,
	indexRowsTable,
	indexSizeTable,
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

/** Bits of `::ffff:0:0/96`, in which IPv4 lies. */
const MAPPED = 96;
/** Bits of a binding's key before the IPv4 address: protocol and port, and those. */
const HEADER = 24 + MAPPED;

type Bindings = {
	title: string;
	count: number;
	/** Length of their prefixes. */
	bits: number;
	/** 0: every port. */
	port: number;
	/** How many longer prefixes bindings of the same port have, none of which matches. */
	longer?: number;
};

/** Nanoseconds for each lookup, of one key again and again and of keys by chance. */
export async function lookupRows({
	title,
	count,
	bits,
	port,
	longer = 0,
}: Bindings): Promise<Row[]> {
	const object = loadObject(
		compileBpf(source, { define: { BINDINGS: count, PREFIX_BITS: bits } }),
		{ constants: WITH_INDEX },
	);
	const server = await listen();
	try {
		fill(object, { count, bits, port, longer });
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
			time(OURS, `trie${suffix}`, packet),
			time(INDEXED, `dispatcher${suffix}`, packet),
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

/** `dispatcher_constants`: version 1, with an index. */
const WITH_INDEX = Buffer.from([1, 0, 0, 0, 1, 0, 0, 0]);

type Object = ReturnType<typeof loadObject>;

const REPEAT = 200_000;

function timed(program: ReturnType<Object["program"]>, context: Buffer) {
	program.testRun({ context, repeat: REPEAT / 10 });
	return program.testRun({ context, repeat: REPEAT }).duration;
}

function fill(
	object: Object,
	{ count, bits, port, longer }: Required<Omit<Bindings, "title">>,
) {
	const bindings = object.table(packedBindingsTable);
	const index = object.table(indexBindingsTable);
	const rows = object.table(indexRowsTable);
	const size = object.table(indexSizeTable);
	const prefixlen = HEADER + bits;
	const key = Buffer.alloc(bindingKey.size);
	const entries = Array.from({ length: count }, (_, i) => {
		const addr = address(i, bits);
		bindingKey.write(key, 0, { prefixlen, protocol: TCP, port, addr });
		return [packedBindingKey.read(key, 0), { id: 0, prefixlen }] as const;
	});
	bindings.setMany(entries);
	index.setMany(entries.map(([key, value]) => [indexKeyOf(key), value]));
	rows.set(port, rowOf(MAPPED + bits, longer));
	addLonger(bindings, port, MAPPED + bits, longer);
	size.set(0, BigInt(count));
	for (const table of [bindings, index, rows, size]) table.close();
}

/** A length, and the longer ones before it. */
const rowOf = (length: number, longer: number): number =>
	Array.from({ length: longer + 1 }, (_, i) => length + longer - i).reduce(
		(row, one, i) => row + one * 256 ** i,
		0,
	);

/** Binds a subnet of each longer length, outside of the addresses that are looked up. */
function addLonger(
	bindings: Pick<OpenTable<string, BindingValue>, "set">,
	port: number,
	length: number,
	longer: number,
): void {
	const key = Buffer.alloc(bindingKey.size);
	for (let i = 1; i <= longer; i++) {
		const prefixlen = HEADER - MAPPED + length + i;
		const addr = "192.0.2.0";
		bindingKey.write(key, 0, { prefixlen, protocol: TCP, port, addr });
		bindings.set(packedBindingKey.read(key, 0), { id: 0, prefixlen });
	}
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
