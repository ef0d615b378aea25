import { Random } from "@sluice/testbed";
import { fast as fastCases } from "../packets/cases/fast.js";
import { tunnels } from "../packets/site.js";
import { type BothPaths, bothPaths } from "./both-paths.js";
import { checksum } from "./checksum.js";
import { corpusWithKeys, counters, fuzzServices } from "./fuzz.js";
import { randomOptions, type Tokens, tokensFor } from "./fuzz-tokens.js";
import { mutate } from "./mutate.js";
import { rx, tx } from "./packet-case.js";
import { contents, empty, program } from "./services.js";

/** Packets between two looks at the tables and the counters. */
const ROUND = 500;

/**
 * Sends `count` random and mutated packets to a gateway on the normal path and one on the fast path. Returns how many took
 * the fast path.
 *
 * @throws Error the first packet, or round of packets, after which the two differ: in a verdict, a packet, a counter or
 *   a table
 */
export function fuzzPaths(count: number, seed: number): number {
	const paths = bothPaths();
	const random = new Random(seed);
	// Half of them are made of what takes the fast path.
	const all = corpusWithKeys();
	const sent = fastCases.filter(({ verdict }) => verdict === "redirect");
	const suited = corpusWithKeys(sent).slice(-sent.length);
	const corpus = [
		...all,
		...all.map((_, i) => suited[i % suited.length] as Buffer),
	];
	const tokens = tokensFor(corpus, fuzzServices);
	let taken = 0;
	for (let done = 0; done < count; done += ROUND)
		taken += round(
			...([paths, random, corpus, tokens()] as const),
			Math.min(ROUND, count - done),
		);
	return taken;
}

/** One setting of the flags and of forwarding. */
function round(
	paths: BothPaths,
	random: Random,
	corpus: readonly Buffer[],
	tokens: Tokens,
	size: number,
): number {
	const { normal, fast } = paths;
	// Mostly the flags of a gateway.
	const others = random.below(4) === 0 ? random.below(256) & ~rx.fast : 0;
	const flags = rx.dnat ^ others;
	const egress =
		random.below(4) === 0 ? random.below(32) : tx.proxy | tx.snat | tx.fib;
	const setOptions = randomOptions(random, fuzzServices);
	paths.change((tables, bench) => {
		empty(tables);
		program(tables, tunnels, fuzzServices);
		setOptions(tables);
		for (const [direction, value] of [
			["ingress", bench === fast ? flags | rx.fast : flags],
			["egress", egress],
		] as const)
			tables.config.set(
				{ ifindex: 0, direction },
				{ id: 1, flags: value, name: "fuzz" },
			);
	});
	normal.forward(random.below(8) > 0);
	normal.forget();
	fast.forget();
	const before = counts(paths);
	const all = [...corpus, ...tokens.packets];
	let taken = 0;
	for (let i = 0; i < size; i++) {
		const packet = mutate(random, all);
		if (random.below(4) > 0) mend(packet);
		const context = {
			ifindex: random.below(8) > 0 ? normal.link : 1,
			gsoSize: random.below(20) === 0 ? 1 + random.below(1400) : 0,
		};
		if (sendTwice(paths, packet, context)) taken++;
	}
	const [onNormal, onFast] = counts(paths).map((now, path) =>
		now.map((value, i) => value - (before[path]?.[i] ?? 0n)),
	);
	if (String(onNormal) !== String(onFast))
		throw new Error(`counters differ: ${onNormal} and ${onFast}`);
	const rows = [normal, fast].map((bench) =>
		contents(bench.tables)
			.filter((row) => !row.startsWith('["config"'))
			.join("\n"),
	);
	if (rows[0] !== rows[1]) throw new Error(`tables differ: ${rows}`);
	return taken;
}

/** A ping may have moved a far end, which both have in their caches for a jiffy: then they get the packet again. */
function sendTwice(
	paths: BothPaths,
	packet: Buffer,
	context: Parameters<BothPaths["send"]>[1],
): boolean {
	try {
		return paths.send(packet, context);
	} catch {
		paths.normal.forget();
		paths.fast.forget();
		return paths.send(packet, context);
	}
}

const counts = ({ normal, fast }: BothPaths) =>
	[normal, fast].map((bench) => [
		...counters(bench, "ingress"),
		...counters(bench, "egress"),
	]);

/** Makes length and checksum of a frame's IP header right, or most packets would get no further. */
function mend(frame: Buffer): void {
	const type = frame.readUInt16BE(12);
	if (type === 0x86dd) frame.writeUInt16BE(frame.length - 54, 18);
	const end = 14 + (frame.readUInt8(14) & 15) * 4;
	if (type !== 0x0800 || end < 34 || end > frame.length) return;
	frame.writeUInt16BE(frame.length - 14, 16);
	frame.writeUInt16BE(0, 24);
	frame.writeUInt16BE(checksum(frame.subarray(14, end)), 24);
}
