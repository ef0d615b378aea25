// Needs root, BPF and clang: rows of the tables that are replaced while pings are judged by them.
import { nanosecondsTai, type Table } from "@sluice/maps";
import { Address } from "@sluice/maps/address";
import {
	type Outcome,
	outcomes,
	pingTimeTable,
	rotationTable,
	statsRow,
	statsTable,
} from "@sluice/maps/tables";
import { needs, testWith } from "@sluice/testbed";
import { signedPing } from "@sluice/tunnel/wire";
import test, { type ExecutionContext } from "ava";
import { eth } from "../helpers/packet.js";
import { rx } from "../helpers/packet-case.js";
import { replaceRows } from "../helpers/replace-rows.js";
import { type Bench, packetBench } from "../helpers/run-packet.js";
import { configure, program } from "../helpers/services.js";
import { near, port } from "./site.js";

const bpfTest = testWith(test.serial as typeof test, needs.root, needs.bpf);

const GROUP = 7;
/** Service and tunnel i, from 1 on. Those of an even number are restricted in one way or another. */
const all = Array.from({ length: 16 }, (_, i) => i + 1);
const isEven = (i: number) => i % 2 === 0;
const sid = (i: number) => ({ service: i, group: GROUP });
const remote = (i: number) => `172.16.0.${20 + i}`;
const key = (i: number) => `key ${i}`;
const oldKey = (i: number) => `old key ${i}`;
const bytesOf = (key: string) => Buffer.concat([Buffer.from(key)], 16);

const from = (sender: string) => eth().ipv4(sender, near).udp(port, port);
const elsewhere = (round: number) => `172.16.0.${8 + (round % 2)}`;
const signed = (i: number, sender: string, signingKey = key(i)) =>
	from(sender)
		.payload(
			signedPing({
				...{ sid: sid(i), key: bytesOf(signingKey), tunnel: i },
				time: nanosecondsTai(),
			}),
			true,
		)
		.bytes();

/** As the far end of tunnel i answers. */
function answer(i: number): Buffer {
	const bytes = Buffer.alloc(72);
	bytes.writeUInt32BE(0x3103a000);
	bytes.writeUInt16BE(i, 4);
	bytes.writeUInt16BE(GROUP, 6);
	return from(remote(i)).payload(bytes, true).bytes();
}

const rotate = ({ table }: Bench) => {
	const unused = { packets: 0n, lastPacket: 0n };
	for (const i of all) {
		const old = bytesOf(oldKey(i));
		table(rotationTable).set(sid(i), {
			old: { key: old, signing: old, ...unused },
			next: { key: bytesOf(key(i)), signing: bytesOf(key(i)), ...unused },
		});
	}
};
/** The old key of the service; for those of an even number, of another one. */
const oldKeyFor = (i: number) => oldKey(isEven(i) ? i - 1 : i);

interface Case {
	title: string;
	/** Its rows are replaced. */
	map: string;
	/** Bytes of its key and value. */
	sizes: [number, number];
	rounds: number;
	rows?: (bench: Bench) => void;
	/** The ping of tunnel i, in even rounds and in others. */
	ping: (i: number, round: number) => Buffer;
	/** The ping is another one in each round: it has the time in it. */
	isNew?: true;
	outcome: (i: number) => Outcome;
}

/** Far ends of even numbers may not move to where these pings are from. */
const restrict = ({ tables }: Bench) => {
	for (const i of all)
		tables.options.set(i, {
			within: Address.of("172.16.0.128"),
			withinBits: isEven(i) ? 96 + 25 : 0,
			...{ moveAfter: 0, flags: 0 },
		});
};

const cases: Case[] = [
	{
		title: "its tunnel",
		...{ map: "map_tunnel", sizes: [4, 48], rounds: 10000 },
		ping: (i) => from(remote(i)).openPing(i).bytes(),
		outcome: () => "ping",
	},
	{
		title: "the options of its tunnel",
		...{ map: "map_tunnel_opts", sizes: [4, 28], rounds: 10000 },
		rows: restrict,
		ping: (i, round) => from(elsewhere(round)).openPing(i).bytes(),
		outcome: (i) => (isEven(i) ? "ping-locked" : "ping-learned"),
	},
	{
		title: "the options of its tunnel, signed",
		...{ map: "map_tunnel_opts", sizes: [4, 28], rounds: 4000 },
		rows: restrict,
		ping: (i) => signed(i, elsewhere(0)),
		outcome: (i) => (isEven(i) ? "ping-locked" : "ping-challenged"),
	},
	{
		title: "the services of its tunnel that must sign",
		...{ map: "map_signed_only", sizes: [4, 4], rounds: 10000 },
		rows({ tables }) {
			for (const i of all.filter(isEven)) tables.signedOnly.set(i, 1);
			for (const i of all) tables.signedOnly.set(100 + i, 1);
		},
		ping: (i) => from(remote(i)).openPing(i).bytes(),
		outcome: (i) => (isEven(i) ? "ping-unsigned" : "ping"),
	},
	{
		title: "its service's signing key",
		...{ map: "map_signing", sizes: [4, 36], rounds: 4000, isNew: true },
		ping: (i) => signed(i, remote(i)),
		outcome: () => "ping-signed",
	},
	{
		title: "its service's signing key, an answer,",
		...{ map: "map_signing", sizes: [4, 36], rounds: 10000 },
		ping: answer,
		outcome: () => "ping-answer",
	},
	{
		title: "the other key of its service's rotation",
		...{ map: "map_rotation", sizes: [4, 96], rounds: 10000 },
		rows: rotate,
		ping: (i) => from(remote(i)).ping(sid(i), oldKeyFor(i)).bytes(),
		outcome: (i) => (isEven(i) ? "wrong-key" : "ping"),
	},
	{
		title: "the other signing key of its service's rotation",
		...{ map: "map_rotation", sizes: [4, 96], rounds: 4000, isNew: true },
		rows: rotate,
		ping: (i) => signed(i, remote(i), oldKeyFor(i)),
		outcome: (i) => (isEven(i) ? "ping-mac" : "ping-signed"),
	},
];

function clear<K, V>(bench: Bench, table: Table<K, V>): void {
	const rows = bench.table(table);
	rows.deleteMany([...rows.entries()].map(([key]) => key));
}

function prepare(bench: Bench): void {
	const { tables } = bench;
	for (const table of [pingTimeTable, rotationTable])
		clear(bench, table as Table<unknown, unknown>);
	tables.options.deleteMany(all);
	tables.signedOnly.deleteMany([...all, ...all.map((i) => 100 + i)]);
	program(
		tables,
		all.map((i) => ({
			...{ id: i, local: near, localPort: port },
			...{ remote: remote(i), remotePort: port },
		})),
		all.map((i) => ({
			...sid(i),
			...{ proto: "tcp", proxy: `5.5.5.${i}`, proxyPort: 80 },
			...{ backend: `1.1.1.${i}`, backendPort: 80, tunnel: i, key: key(i) },
		})),
	);
	for (const i of all)
		tables.signing.set(sid(i), {
			...{ key: bytesOf(key(i)), challenge: Buffer.alloc(16, i), flags: 0 },
		});
	configure(tables, { ingress: rx.openPing, egress: 0 });
}

let bench: Bench | undefined;

for (const { title, map, sizes, rounds, rows, ping, isNew, outcome } of cases)
	bpfTest(
		`a ping is judged by ${title}, while rows are replaced`,
		async (t) => {
			bench ??= packetBench();
			const { ingress, mapFd } = bench;
			prepare(bench);
			rows?.(bench);
			const context = bench.context({ ifindex: bench.link });
			const made = [0, 1].map((round) => all.map((i) => ping(i, round)));
			const pingAll = (round: number) => {
				const pings = isNew ? all.map((i) => ping(i, round)) : made[round % 2];
				for (const data of pings ?? []) ingress.testRun({ data, context });
			};
			// Where the kernel is emulated, code takes long when it runs for the first time.
			pingAll(0);
			const before = counted(bench);
			const stop = await replaceRows(t, mapFd(map), sizes);
			for (let round = 1; round <= rounds; round++) pingAll(round);
			await stop();
			const expected = new Map<Outcome, number>();
			for (const i of all)
				expected.set(outcome(i), (expected.get(outcome(i)) ?? 0) + rounds);
			assertCounted(t, before, counted(bench), expected);
		},
	);

/** Packets of each outcome so far. */
function counted(bench: Bench): Map<Outcome, number> {
	const stats = bench.table(statsTable);
	return new Map(
		outcomes.map((outcome) => [
			outcome,
			(stats.get(statsRow("ingress", outcome)) ?? []).reduce(
				(sum, packets) => sum + Number(packets),
				0,
			),
		]),
	);
}

function assertCounted(
	t: ExecutionContext,
	before: Map<Outcome, number>,
	after: Map<Outcome, number>,
	expected: Map<Outcome, number>,
): void {
	const grown = [...after]
		.map(([outcome, n]) => [outcome, n - (before.get(outcome) ?? 0)] as const)
		.filter(([, n]) => n !== 0);
	t.deepEqual(new Map(grown), expected);
}
