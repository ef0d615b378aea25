import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { loadObject, type OpenTable } from "@sluice/maps";
import { Address } from "@sluice/maps/address";
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
import { EARLIER } from "../earlier.js";
import { interleave } from "../interleave.js";
import type { Row } from "../table.js";
import { lookupContext } from "./context.js";

export const REFERENCE = "two lookups";
const OURS = "ours";
const INDEXED = "ours, --index";
const EARLIER_TRIE = "earlier";
const EARLIER_INDEXED = "earlier, --index";

export const COLUMNS = [
	...[REFERENCE, OURS, INDEXED],
	...(EARLIER ? [EARLIER_TRIE, EARLIER_INDEXED] : []),
];

const source = (name: string) => join(import.meta.dirname, name);
const PORT = 80;
const TCP = 6;

/** Bits of `::ffff:0:0/96`, in which IPv4 lies. */
const MAPPED = 96;
/** Bits of a binding's key before the IPv4 address: protocol and port, and those. */
const HEADER = 24 + MAPPED;

type Bindings = {
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
	...table
}: Bindings & { title: string }): Promise<Row[]> {
	const server = await listen();
	const objects = [
		load(ours, table, server),
		...(EARLIER ? [load(earlier(EARLIER), table, server)] : []),
	];
	try {
		const contenders = (suffix: string, packet: string) =>
			objects.flatMap(({ object, programs }) =>
				Object.entries(programs).map(([name, program]) => ({
					name,
					measure: async () =>
						timed(
							object.program(`${program}${suffix}`),
							lookupContext(packet, PORT),
						),
				})),
			);
		const row = async (what: string, suffix: string, packet: string) => ({
			title: what,
			unit: "ns",
			samples: await interleave(contenders(suffix, packet)),
		});
		const { bits, count } = table;
		const middle = address(Math.floor(count / 2), bits);
		const rows = [
			await row(`${title}, same key`, "", middle),
			await row(`${title}, random keys`, "_any", middle),
		];
		if (count === 1)
			rows.push(await row("no binding matches", "", "192.0.2.99"));
		return rows;
	} finally {
		for (const { object } of objects) object.close();
		server.close();
	}
}

type Object = ReturnType<typeof loadObject>;

/** A release's dispatchers. */
interface Release {
	/** Compiled C file, by the bindings that it draws from. */
	compile(define: Record<string, number>): string;
	constants?: Buffer;
	/** By column. */
	programs: Readonly<Record<string, string>>;
	/** Fills all but the trie. */
	fillIndex(object: Object, table: Bindings, entries: Entries): void;
}

type Entries = readonly (readonly [string, BindingValue])[];

function load(release: Release, table: Bindings, server: Server) {
	const { count, bits } = table;
	const object = loadObject(
		release.compile({ BINDINGS: count, PREFIX_BITS: bits }),
		release.constants ? { constants: release.constants } : {},
	);
	const entries = entriesOf(table);
	const bindings = object.table(packedBindingsTable);
	bindings.setMany(entries);
	addLonger(bindings, table);
	bindings.close();
	release.fillIndex(object, table, entries);
	const sockets = object.table(socketsTable);
	sockets.set(0, BigInt(descriptorOf(server)));
	sockets.close();
	return { object, programs: release.programs };
}

/** `dispatcher_constants`: version 1, with an index. */
const WITH_INDEX = Buffer.from([1, 0, 0, 0, 1, 0, 0, 0]);

const REPEAT = 200_000;

function timed(program: ReturnType<Object["program"]>, context: Buffer) {
	program.testRun({ context, repeat: REPEAT / 10 });
	return program.testRun({ context, repeat: REPEAT }).duration;
}

const ours: Release = {
	compile: (define) => compileBpf(source("lookups.bpf.c"), { define }),
	constants: WITH_INDEX,
	programs: {
		[REFERENCE]: "reference",
		[OURS]: "trie",
		[INDEXED]: "dispatcher",
	},
	fillIndex(object, { count, bits, port, longer = 0 }, entries) {
		const index = object.table(indexBindingsTable);
		const rows = object.table(indexRowsTable);
		const size = object.table(indexSizeTable);
		index.setMany(entries.map(([key, value]) => [indexKeyOf(key), value]));
		rows.set(port, rowOf(MAPPED + bits, longer));
		size.set(0, BigInt(count));
		for (const table of [index, rows, size]) table.close();
	},
};

/** Release 0.1.0: an index of the addresses alone. @param directory its checkout */
const earlier = (directory: string): Release => ({
	compile: (define) =>
		compileBpf(source("earlier.bpf.c"), {
			define,
			include: [join(directory, "bpf"), join(directory, "bpf/include")],
		}),
	programs: {
		[EARLIER_TRIE]: "dispatcher",
		[EARLIER_INDEXED]: "dispatcher_idx",
	},
	fillIndex(object, { count, bits, longer = 0 }, entries) {
		const index = object.table({
			...indexBindingsTable,
			name: "binding_index",
		});
		const subnets = object.table({ ...indexSizeTable, name: "index_subnets" });
		const isAddress = bits === 32;
		// Its key is the end of the trie's.
		if (isAddress)
			index.setMany(entries.map(([key, value]) => [key.slice(3), value]));
		subnets.set(0, BigInt((isAddress ? 0 : count) + longer));
		for (const table of [index, subnets]) table.close();
	},
});

function entriesOf({ count, bits, port }: Bindings): Entries {
	const prefixlen = HEADER + bits;
	const key = Buffer.alloc(bindingKey.size);
	return Array.from({ length: count }, (_, i) => {
		const addr = Address.of(address(i, bits));
		bindingKey.write(key, 0, { prefixlen, protocol: TCP, port, addr });
		return [packedBindingKey.read(key, 0), { id: 0, prefixlen }];
	});
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
	{ bits, port, longer = 0 }: Bindings,
): void {
	const key = Buffer.alloc(bindingKey.size);
	for (let i = 1; i <= longer; i++) {
		const prefixlen = HEADER + bits + i;
		const addr = Address.of("192.0.2.0");
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
