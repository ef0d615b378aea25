import { readFileSync } from "node:fs";
import path from "node:path";
import {
	type Direction,
	fateOf,
	type Outcome,
	outcomes,
	statsRow,
	statsTable,
} from "@sluice/maps/tables";
import { Random } from "@sluice/testbed";
import { cases } from "../packets/cases/index.js";
import { services as plain } from "../packets/services.js";
import { tunnels } from "../packets/site.js";
import {
	proofOf,
	randomOptions,
	type Tokens,
	tokensFor,
} from "./fuzz-tokens.js";
import { mutate } from "./mutate.js";
import type { PacketCase } from "./packet-case.js";
import {
	type Bench,
	packetBench,
	type Verdict,
	verdicts,
} from "./run-packet.js";
import { contents, empty, program, type ServiceRow } from "./services.js";

/** Packets between two looks at the tables and the counters. */
const ROUND = 500;

/** Each with a key of its own, so that one that is taken for another shows. */
export const fuzzServices = plain.map(
	(row, i): ServiceRow => ({
		...row,
		key: `key ${i} its own`.padEnd(16, "."),
	}),
);

export interface FuzzResult {
	/** How often each outcome was counted. */
	totals: Map<Outcome, number>;
}

/**
 * Runs `count` random and mutated packets through both programs.
 *
 * @throws Error the first packet, or round of packets, of which something is not so: exactly one outcome each; a
 *   packet that is passed on is untouched; only what carries a service's key or a token is decapsulated; only a good ping changes
 *   a table, and that only a tunnel's far end.
 */
export function fuzz(count: number, seed: number): FuzzResult {
	const bench = packetBench();
	const random = new Random(seed);
	const corpus = corpusWithKeys();
	const tokens = tokensFor(corpus, fuzzServices);
	const total = new Map<Outcome, number>();
	for (let done = 0; done < count; done += ROUND) {
		const size = Math.min(ROUND, count - done);
		const counted = round(bench, random, corpus, tokens(), size);
		for (const [outcome, times] of counted)
			total.set(outcome, (total.get(outcome) ?? 0) + times);
	}
	return { totals: total };
}

/** One setting of the flags and of forwarding, one direction, many packets. */
function round(
	bench: Bench,
	random: Random,
	corpus: readonly Buffer[],
	tokens: Tokens,
	size: number,
): Map<Outcome, number> {
	const { tables } = bench;
	const direction = random.pick(["ingress", "egress"] as const);
	empty(tables);
	program(tables, tunnels, fuzzServices);
	randomOptions(random, fuzzServices)(tables);
	// Now and then there is no row for the interface.
	if (random.below(20) > 0)
		tables.config.set(
			{ ifindex: 0, direction },
			{ id: 1, flags: random.below(64), name: "fuzz" },
		);
	bench.forward(random.below(2) > 0);
	bench.forget();
	const before = contents(tables);
	const counts = counters(bench, direction);
	const verdictCounts = new Map<Verdict, number>();
	const packets: Buffer[] = [];
	const all = [...corpus, ...tokens.packets];
	const proofs = [...secrets, ...tokens.proofs];
	for (let i = 0; i < size; i++) {
		const packet = mutate(random, all);
		packets.push(packet);
		const verdict = send(bench, direction, packet, random, proofs);
		verdictCounts.set(verdict, (verdictCounts.get(verdict) ?? 0) + 1);
	}
	const counted = counters(bench, direction).map((now, i) =>
		Number(now - (counts[i] as bigint)),
	);
	const byOutcome = new Map(
		outcomes.map((outcome, i) => [outcome, counted[i] as number]),
	);
	check(byOutcome, verdictCounts, size);
	const learned =
		(byOutcome.get("ping") as number) +
		(byOutcome.get("ping-learned") as number);
	const after = contents(tables);
	must(
		sameTables(before, after, learned > 0),
		`tables changed by one of: ${packets.map((p) => p.toString("hex")).join(" ")}`,
	);
	return byOutcome;
}

/** Sends one packet and looks at what came of it alone. */
function send(
	bench: Bench,
	direction: Direction,
	packet: Buffer,
	random: Random,
	proofs: readonly Buffer[],
): Verdict {
	const { verdict: number, data } = bench[
		direction === "ingress" ? "ingress" : "egress"
	].testRun({
		data: packet,
		context: bench.context({
			ifindex: random.pick([1, bench.link]),
			gsoSize: random.below(20) === 0 ? 1 + random.below(1400) : 0,
		}),
	});
	const verdict = verdicts[number as keyof typeof verdicts];
	const hex = packet.toString("hex");
	must(verdict !== undefined, `verdict ${number} for ${hex}`);
	if (verdict === "unspec")
		must(data.equals(packet), `passed on but changed: ${hex}`);
	if (
		direction === "ingress" &&
		verdict === "ok" &&
		data.length < packet.length
	)
		must(
			proofs.some((proof) => packet.includes(proof)),
			`decapsulated without a key or token: ${hex}`,
		);
	return verdict;
}

/** Each packet has one outcome, and the verdicts are those that the outcomes stand for. */
function check(
	outcomeCounts: ReadonlyMap<Outcome, number>,
	verdictCounts: ReadonlyMap<Verdict, number>,
	size: number,
): void {
	let all = 0;
	const byFate = { passed: 0, done: 0, taken: 0, dropped: 0 };
	for (const [outcome, times] of outcomeCounts) {
		all += times;
		byFate[fateOf(outcome)] += times;
	}
	const verdict = (name: Verdict) => verdictCounts.get(name) ?? 0;
	must(all === size, `${all} outcomes for ${size} packets`);
	must(byFate.passed === verdict("unspec"), "a verdict without its outcome");
	// Redirected is what was encapsulated, and the answer to what did not fit.
	must(
		byFate.done + (outcomeCounts.get("too-big") ?? 0) ===
			verdict("ok") + verdict("redirect"),
		"a verdict without its outcome",
	);
}

/** Pings may have moved far ends, and nothing else. */
function sameTables(before: string[], after: string[], pinged: boolean) {
	const fixed = (rows: string[]) =>
		pinged
			? rows.map((row) => row.replace(/"remote(Port)?":("[^"]*"|\d+)/g, ""))
			: rows;
	return fixed(before).join("\n") === fixed(after).join("\n");
}

export function counters(bench: Bench, direction: Direction): bigint[] {
	const stats = bench.table(statsTable);
	const counts = outcomes.map((outcome) =>
		(stats.get(statsRow(direction, outcome)) ?? []).reduce((a, b) => a + b, 0n),
	);
	stats.close();
	return counts;
}

/** What a packet must carry to be decapsulated: sid and key, as they stand on the wire. */
const secrets = fuzzServices.map((row) => proofOf(row));

/** The packets of the cases and vectors, those with a service's key with the one it has here. */
export function corpusWithKeys(of: readonly PacketCase[] = cases): Buffer[] {
	const vectors = JSON.parse(
		readFileSync(path.join(import.meta.dirname, "../vectors/gue.json"), "utf8"),
	).vectors.map(({ frame }: { frame: string }) => Buffer.from(frame, "hex"));
	const packets = of.flatMap((one) =>
		[...(one.before ?? []), one.input].map((packet) => packet.bytes()),
	);
	const old = plain.map((row) =>
		proofOf(row, Buffer.from(row.key.padEnd(16, "\0"))),
	);
	return [...vectors, ...packets].map((packet: Buffer) => {
		for (const [i, secret] of old.entries()) {
			const at = packet.indexOf(secret);
			if (at >= 0) (secrets[i] as Buffer).copy(packet, at);
		}
		return packet;
	});
}

function must(holds: boolean, otherwise: string): void {
	if (!holds) throw new Error(otherwise);
}
