import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { compileBpf } from "@sluice/testbed";
import test from "ava";
import {
	address,
	type Codec,
	type StructCodec,
	u8,
	u16,
	u16be,
	u32,
	u64,
} from "../../src/codec.js";
import { mapTypes, type Table } from "../../src/table.js";
import * as tables from "../../src/tables/index.js";
import { Btf, type BtfType, type MapDefinition } from "../helpers/btf.js";

// Holds every table here against the compiled programs' own description of their maps.

const dist = path.join(
	path.dirname(
		createRequire(import.meta.url).resolve("@sluice/bpf/package.json"),
	),
	"dist",
);
const objects = readdirSync(dist)
	.filter((file) => file.endsWith(".o"))
	.map((file) => ({ file, btf: new Btf(path.join(dist, file)) }));

const all = Object.entries(tables as Record<string, unknown>).filter(
	(entry): entry is [string, Table<unknown, unknown>] => {
		const value = entry[1];
		return (
			typeof value === "object" &&
			value !== null &&
			"flags" in value &&
			"key" in value
		);
	},
);

/** Fields that have another name in C. */
const renamed: Readonly<Record<string, string>> = {
	"endpoint.address": "addr",
	"config_key.direction": "queue",
	"traffic_key.direction": "queue",
	"frag_key.direction": "queue",
	"event.direction": "queue",
};

/** Codecs that give up a struct's fields for speed or convenience: their size is all that is compared. */
const whole = new Set<unknown>([
	tables.indexKey,
	tables.packedBindingKey,
	tables.lbChunk,
]);

const scalars = new Map<unknown, { size: number; bigEndian: boolean }>([
	[u8, { size: 1, bigEndian: false }],
	[u16, { size: 2, bigEndian: false }],
	[u16be, { size: 2, bigEndian: true }],
	[u32, { size: 4, bigEndian: false }],
	[u64, { size: 8, bigEndian: false }],
	[tables.direction8, { size: 1, bigEndian: false }],
	[tables.direction32, { size: 4, bigEndian: false }],
]);

/** Every way in which a codec is not the C type. */
function differences(
	btf: Btf,
	where: string,
	codec: Codec<unknown>,
	type: BtfType,
): string[] {
	const size = codec.kernelSize ?? codec.size;
	if (size !== btf.size(type))
		return [`${where} has ${size} bytes, not ${btf.size(type)}`];
	const element = (codec as { element?: Codec<unknown> }).element;
	if (element) return differences(btf, where, element, type);
	if (whole.has(codec)) return [];
	if ("fields" in codec)
		return fieldDifferences(btf, where, codec as StructCodec<unknown>, type);
	const kind = kindOf(codec);
	const got = kindOfType(btf, type);
	return kind === got ? [] : [`${where} is ${kind}, not ${got}`];
}

/** What a codec without fields reads. */
function kindOf(codec: Codec<unknown>): string {
	const scalar = scalars.get(codec);
	if (scalar) return `${scalar.bigEndian ? "be" : "u"}${8 * scalar.size}`;
	if (codec === address) return "address";
	return typeof codec.read(Buffer.alloc(codec.size), 0) === "string"
		? "text"
		: "bytes";
}

/** The same of a C type. */
function kindOfType(btf: Btf, type: BtfType): string {
	if (/^__be\d+$/.test(type.name)) return type.name.slice(2);
	const bare = btf.bare(type);
	if (bare.kind === "ARRAY") {
		const element = btf.bare(btf.type(bare.type_id as number));
		if (element.name === "char") return "text";
		return btf.size(bare) === 16 && isAddress.has(type) ? "address" : "bytes";
	}
	// An address is a struct, or a union of its views: bytes are bytes, in no other order.
	if (bare.members && bare.size === 16) return "address";
	return `u${8 * btf.size(bare)}`;
}

/** Members of 16 bytes that are called an address. */
const isAddress = new WeakSet<BtfType>();

const snake = (name: string) =>
	name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function fieldDifferences(
	btf: Btf,
	where: string,
	{ fields }: StructCodec<unknown>,
	type: BtfType,
): string[] {
	const struct = btf.bare(type);
	const members = new Map(
		(struct.members ?? [])
			.filter(({ name }) => name !== "pad")
			.map((member) => [member.name, member]),
	);
	const found: string[] = [];
	for (const [name, [offset, codec]] of Object.entries(fields)) {
		const inC = renamed[`${struct.name}.${name}`] ?? snake(name);
		const member = members.get(inC);
		members.delete(inC);
		if (!member) {
			found.push(`${where}.${name} is not in struct ${struct.name}`);
			continue;
		}
		if (8 * offset !== member.bits_offset)
			found.push(
				`${where}.${name} is at ${offset}, not ${member.bits_offset / 8}`,
			);
		const of = { ...btf.type(member.type_id) };
		if (/addr/.test(inC)) isAddress.add(of);
		found.push(...differences(btf, `${where}.${name}`, codec, of));
	}
	for (const name of members.keys())
		found.push(`${where} lacks ${name} of struct ${struct.name}`);
	return found;
}

function mapDifferences(
	btf: Btf,
	table: Table<unknown, unknown>,
	map: MapDefinition,
): string[] {
	const sizes = [
		["type", mapTypes[table.type], map.type],
		["flags", table.flags, map.flags],
		["key size", table.key.size, map.keySize],
		["value size", table.value.kernelSize ?? table.value.size, map.valueSize],
	] as const;
	return [
		...sizes
			.filter(([, ours, theirs]) => ours !== theirs)
			.map(([what, ours, theirs]) => `${what} is ${ours}, not ${theirs}`),
		...(map.key ? differences(btf, "key", table.key, map.key) : []),
		...(map.value ? differences(btf, "value", table.value, map.value) : []),
	];
}

test("there are programs to compare with", (t) => {
	t.deepEqual(
		objects
			.map(({ file }) => file)
			.filter((file) => file !== "echo_dispatch.bpf.o"),
		[
			"dispatcher.o",
			"drop_monitor.o",
			"pfc_egress_l3_tc.o",
			"pfc_egress_tc.o",
			"pfc_ingress_l3_tc.o",
			"pfc_ingress_tc.o",
			"udplb_tc.o",
		],
	);
	t.true(all.length > 20);
});

for (const [variable, table] of all)
	test(`${variable} is what the programs have`, (t) => {
		let seen = 0;
		for (const { file, btf } of objects) {
			const map = btf.maps().get(table.name);
			if (!map) continue;
			seen++;
			t.deepEqual(mapDifferences(btf, table, map), [], file);
		}
		t.true(seen > 0, `no program has ${table.name}`);
	});

test("a map of the tunnel programs is pinned if and only if it has a table", (t) => {
	const known = new Set(all.map(([, { name }]) => name));
	for (const { file, btf } of objects.filter(({ file }) =>
		file.startsWith("pfc_"),
	))
		for (const [name, { pinned }] of btf.maps()) {
			t.is(pinned, known.has(name), `${file} ${name}`);
			t.is(pinned, name.startsWith("map_"), `${file} ${name}`);
		}
});

test("an event's header is what the programs write", (t) => {
	const found = objects.find(({ file }) => file === "pfc_ingress_tc.o");
	const map = found?.btf.maps().get("event_buffer");
	if (!found || !map?.value) return t.fail();
	const { members = [] } = found.btf.bare(map.value);
	const data = members.find(({ name }) => name === "data");
	t.is(data?.bits_offset, 8 * tables.eventHeader.size);
	t.deepEqual(
		fieldDifferences(found.btf, "event", tables.eventHeader, map.value),
		["event lacks data of struct event"],
	);
});

test("the drop monitor's events and settings are the structs of its program", (t) => {
	const found = objects.find(({ file }) => file === "drop_monitor.o");
	const map = found?.btf.maps().get("buffers");
	if (!found || !map?.value) return t.fail();
	const { btf } = found;
	const [drop] = btf.bare(map.value).members ?? [];
	const struct = btf.type(drop?.type_id as number);
	const data = btf.bare(struct).members?.find(({ name }) => name === "data");
	t.is(data?.bits_offset, 8 * tables.dropHeader.size);
	t.deepEqual(fieldDifferences(btf, "drop", tables.dropHeader, struct), [
		"drop lacks data of struct drop",
	]);
	const settings = btf.named("settings");
	t.is(settings.size, tables.dropSettings.size);
	t.deepEqual(
		settings.members?.map(({ name, bits_offset }) => [name, bits_offset / 8]),
		Object.entries(tables.dropSettings.fields).map(([name, [at]]) => [
			name,
			at,
		]),
	);
});

const enumsOf = (define: Record<string, string>) =>
	new Btf(
		compileBpf(path.join(import.meta.dirname, "../fixtures/enums.bpf.c"), {
			define,
		}),
	);
const tunnel = enumsOf({});
const udplb = enumsOf({ UDPLB: "" });

/** `OUT_PING_OPEN` of prefix `OUT_` → "ping-open". */
const words = (name: string, prefix: string, join: string) =>
	name.slice(prefix.length).toLowerCase().replaceAll("_", join);

for (const [btf, name, prefix, join, ours] of [
	[tunnel, "outcome", "OUT_", "-", tables.outcomes],
	[udplb, "lb_outcome", "", "_", tables.lbOutcomes],
] as const)
	test(`the names of ${name} are those of the enum, in its order`, (t) => {
		// The last one counts the others.
		const values = btf.enum(name).slice(0, -1);
		t.deepEqual(
			values.map(({ name }) => words(name, prefix, join)),
			[...ours],
		);
		t.deepEqual(
			values.map(({ val }) => val),
			[...ours.keys()],
		);
	});

for (const [btf, name, prefix, ours] of [
	[tunnel, "rx_flag", "RX_", tables.flagNames.ingress],
	[tunnel, "tx_flag", "TX_", tables.flagNames.egress],
	[
		tunnel,
		"queue",
		"QUEUE_",
		{
			rx: tables.directionIndex("ingress"),
			tx: tables.directionIndex("egress"),
		},
	],
	[tunnel, "stage", "STAGE_", { before: 0, after: 1 }],
	[udplb, "strategy", "STRATEGY_", tables.lbStrategies],
	[udplb, "action", "ACTION_", tables.lbActions],
] as const)
	test(`the values of ${name} are those of the enum`, (t) => {
		const values = btf.enum(name);
		t.deepEqual(
			values.map(({ name, val }) => [words(name, prefix, "-"), val]),
			Object.entries(ours ?? {}),
		);
	});

test("counters lie where the programs count", (t) => {
	const constants = new Map(
		tunnel.enum("constants").map(({ name, val }) => [name, val]),
	);
	t.is(tables.statsRow("ingress", "no-config"), 0);
	t.is(
		tables.statsRow("egress", "no-config"),
		constants.get("CONSTANT_STATS_ROWS") ?? -1,
	);
});
