import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { interfaceIndex, possibleCpus } from "@sluice/maps";
import {
	type Direction,
	type Fate,
	fragTable,
	type Outcome,
	outcomes,
	pathMtuTable,
	statsRow,
	statsTable,
} from "@sluice/maps/tables";
import { ownNamespaces } from "@sluice/testbed";
import { icmpLimitTable } from "./icmp-limit.js";
import {
	loadPrograms,
	openTables,
	type Programs,
	type TunnelTables,
} from "./programs.js";

/** What programs return, by name: TC_ACT_OK, TC_ACT_SHOT, TC_ACT_REDIRECT, TC_ACT_UNSPEC. */
export const verdicts = {
	0: "ok",
	2: "shot",
	7: "redirect",
	4294967295: "unspec",
} as const;
export type Verdict = (typeof verdicts)[keyof typeof verdicts];

/** A packet's metadata in the kernel. */
export interface PacketContext {
	/** The interface that it is on; without it the loopback interface, whose MTU is 65536. */
	ifindex?: number;
	/** Bytes of data in each segment of a super-packet. */
	gsoSize?: number;
}

export interface Run {
	verdict: Verdict;
	output: Buffer;
	/** Every outcome that the run counted, as often as it did. */
	outcomes: Outcome[];
}

/** Both programs with their tables, in namespaces of their own; `link` has an MTU of 1500. */
export interface Bench extends Programs {
	readonly tables: TunnelTables;
	readonly link: number;
	run(direction: Direction, packet: Buffer, context?: PacketContext): Run;
	/** A context as the kernel takes it. */
	context(context: PacketContext): Buffer;
	/** Lets the host forward packets, or not, or on lo alone. */
	forward(on: boolean | "lo"): void;
	/**
	 * Forgets fragments, MTUs of paths, and that size answers were given, and waits until the programs have forgotten what they
	 * have cached of tables and routes. To be called between a change of these and the next packet.
	 */
	forget(): void;
	/** For an hour no size answer may be given. */
	useUpAnswers(): void;
}

/**
 * Loads the programs for a test process, which moves into a network namespace of its own. The interface `link` has
 * 10.1.1.1/24 and fd01::1/64, and two neighbours that are known for good: 10.1.1.2, fd01::2.
 */
export function packetBench(): Bench {
	ownNamespaces();
	const ip = (...words: string[]) =>
		execFileSync("ip", words.join(" ").split(" "));
	// The destination of the packets: to another address they are other hosts'.
	ip("link set lo address 02:00:00:00:00:02");
	ip("link set lo up");
	ip("link add link0 address 02:00:00:00:00:02 type veth peer name peer0");
	ip("link set peer0 up");
	ip("link set link0 up");
	ip("addr add 10.1.1.1/24 dev link0");
	ip("-6 addr add fd01::1/64 dev link0 nodad");
	for (const address of ["10.1.1.2", "fd01::2"])
		ip(`neigh add ${address} lladdr 02:00:00:00:01:02 dev link0 nud permanent`);
	// The far ends of tunnels, and clients.
	for (const to of ["172.16.0.0/24", "192.0.2.0/24", "203.0.113.0/24"])
		ip(`route add ${to} via 10.1.1.2`);
	for (const to of ["fd16::/64", "2001:db8:7::/64", "2001:db8:50::/64"])
		ip(`-6 route add ${to} via fd01::2`);
	ip("route add 172.17.0.0/24 via 10.1.1.7 mtu lock 1300");
	// Backends.
	ip("route add 1.1.1.0/24 via 10.1.1.2");
	ip("-6 route add 2001:db8:1::/64 via fd01::2");
	return anotherBench();
}

/** One more pair of programs with tables of its own, in the namespaces that packetBench has made. */
export function anotherBench(): Bench {
	const programs = loadPrograms();
	const tables = openTables(programs);
	const stats = programs.table(statsTable);

	/** Counters of one direction. They only grow. */
	const counts = (direction: Direction) =>
		outcomes.map((outcome) =>
			(stats.get(statsRow(direction, outcome)) ?? []).reduce(
				(a, b) => a + b,
				0n,
			),
		);
	const frag = programs.table(fragTable);
	const pathMtu = programs.table(pathMtuTable);
	const limit = programs.table(icmpLimitTable);
	forward(true);
	return {
		...programs,
		tables,
		context: skb,
		forward,
		forget() {
			pathMtu.deleteMany([...pathMtu.entries()].map(([ends]) => ends));
			frag.deleteMany([...frag.entries()].map(([key]) => key));
			limit.set(0, onEachCpu({ tokens: 0n, time: 0n }));
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, JIFFY);
		},
		useUpAnswers() {
			const time = process.hrtime.bigint() + 3_600_000_000_000n;
			limit.set(0, onEachCpu({ tokens: 0n, time }));
		},
		link: interfaceIndex("link0") as number,
		run(direction, packet, context = {}) {
			const before = counts(direction);
			const program =
				direction === "ingress" ? programs.ingress : programs.egress;
			const { verdict, data } = program.testRun({
				data: packet,
				context: skb(context),
			});
			const after = counts(direction);
			return {
				verdict: verdicts[verdict as keyof typeof verdicts],
				output: data,
				outcomes: outcomes.flatMap((outcome, i) =>
					Array<Outcome>(
						Number((after[i] as bigint) - (before[i] as bigint)),
					).fill(outcome),
				),
			};
		},
	};
}

/** Lets the namespace forward packets, or on lo alone. */
function forward(on: boolean | "lo"): void {
	for (const family of ["ipv4", "ipv6"]) {
		const set = (scope: string, value: boolean) =>
			writeFileSync(
				`/proc/sys/net/${family}/conf/${scope}/forwarding`,
				value ? "1" : "0",
			);
		set("all", on === true);
		// The kernel sets every interface only where the value changes.
		set("lo", on !== false);
	}
}

/** The longest jiffy of any kernel, in milliseconds. */
const JIFFY = 10;

const onEachCpu = <T>(value: T): T[] => Array(possibleCpus()).fill(value);

/** The verdict that an outcome alone leads to. */
export const verdictOf: Readonly<Record<Fate, Verdict>> = {
	passed: "unspec",
	done: "ok",
	taken: "shot",
	dropped: "shot",
};

/** The fields of `struct __sk_buff` that a test run takes. */
function skb({ ifindex = 1, gsoSize = 0 }: PacketContext): Buffer {
	const buffer = Buffer.alloc(192);
	buffer.writeUInt32LE(ifindex, 40);
	buffer.writeUInt32LE(gsoSize === 0 ? 0 : 2, 164);
	buffer.writeUInt32LE(gsoSize, 176);
	return buffer;
}
