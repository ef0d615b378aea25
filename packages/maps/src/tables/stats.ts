import { perCpu, u32, u64 } from "../codec.js";
import { perCpuArray } from "../table.js";
import { type Direction, directionIndex } from "./config-flags.js";

/** What became of a packet, in the order of `enum outcome` in `bpf/tunnel/outcome.h`. */
export const outcomes = [
	// Not ours, passed on untouched.
	"no-config",
	"not-ip",
	"not-ours",
	"malformed",
	"plain-gue",
	"outer-fragment",
	"fragment-before-first",
	// Done.
	"decapsulated",
	"encapsulated",
	"dnat",
	"snat",
	// Ends here, as it should.
	"ping",
	"ping-learned",
	// Dropped.
	"gue-version",
	"gue-header",
	"gue-length",
	"inner-version",
	"inner-length",
	"unknown-service",
	"wrong-key",
	"foreign-inner",
	"inner-fragment",
	"congestion-lost",
	"merged",
	"decap-failed",
	"ping-type",
	"ping-open",
	"ping-tunnel",
	"no-tunnel",
	"no-remote",
	"tunnel-family",
	"too-big",
	"too-big-silent",
	"no-route",
	"encap-failed",
	"nat-failed",
	// Added later, of any kind: see `fateOf`.
	"service-gone",
	"vlan",
	"other-host",
	"bad-checksum",
	"inner-backend",
	"inner-local",
	"ping-source",
	"path-mtu",
	"ping-signed",
	"ping-signed-learned",
	"ping-challenged",
	"ping-answer",
	"ping-mac",
	"ping-time",
	"ping-unsigned",
	"ping-locked",
	"token",
] as const;

export type Outcome = (typeof outcomes)[number];

/** What the network sees of an outcome: passed on untouched, done as configured, taken in, or dropped. */
export type Fate = "passed" | "done" | "taken" | "dropped";

/** The last outcome of each group, in the order of the enum. */
const lastOf: readonly (readonly [Outcome, Fate])[] = [
	["fragment-before-first", "passed"],
	["snat", "done"],
	["ping-learned", "taken"],
	["nat-failed", "dropped"],
];

/** Outcomes after the last group, which are dropped unless they stand here. */
const later: Partial<Record<Outcome, Fate>> = {
	vlan: "passed",
	"other-host": "passed",
	"bad-checksum": "passed",
	"path-mtu": "passed",
	"ping-signed": "taken",
	"ping-signed-learned": "taken",
	"ping-challenged": "taken",
	"ping-answer": "passed",
};

export function fateOf(outcome: Outcome): Fate {
	const number = outcomes.indexOf(outcome);
	const group = lastOf.find(([last]) => number <= outcomes.indexOf(last));
	return group?.[1] ?? later[outcome] ?? "dropped";
}

/** Rows of one direction: `STATS_ROWS` in `bpf/tunnel/stats.h`. */
const STATS_ROWS = 64;

/** The row that counts an outcome. */
export const statsRow = (direction: Direction, outcome: Outcome) =>
	directionIndex(direction) * STATS_ROWS + outcomes.indexOf(outcome);

/** Row → packets, for each CPU. */
export const statsTable = perCpuArray("map_stats", u32, perCpu(u64));
