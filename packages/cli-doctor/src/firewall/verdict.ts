import { matches, type Packet } from "./match.js";
import type { Chain, Rule } from "./ruleset.js";

/** The verdict of a chain; undefined if a match is unknown. */
type Verdict = "accept" | "drop" | "return" | undefined;

/** The base chain of a hook that drops a packet for sure, if there is one. */
export function dropping(
	chains: readonly Chain[],
	hook: string,
	packet: Packet,
): Chain | undefined {
	return chains
		.filter((chain) => chain.hook === hook && sees(chain, packet))
		.sort((a, b) => (a.prio ?? 0) - (b.prio ?? 0))
		.find((chain) => {
			const verdict = through(chain, chains, packet);
			return (verdict === "return" ? chain.policy : verdict) === "drop";
		});
}

const sees = ({ family }: Chain, packet: Packet) =>
	family === "inet" || family === packet.family;

function through(
	chain: Chain,
	chains: readonly Chain[],
	packet: Packet,
): Verdict {
	for (const rule of chain.rules) {
		const verdict = ofRule(rule, chain, chains, packet);
		if (verdict !== "return") return verdict;
	}
	return "return";
}

/** "return": continue with the next rule. */
function ofRule(
	rule: Rule,
	chain: Chain,
	chains: readonly Chain[],
	packet: Packet,
): Verdict {
	let isSure = true;
	for (const statement of rule) {
		const [[kind, body] = ["", undefined]] = Object.entries(statement);
		if (kind === "match") {
			const isMatched = matches(body, packet);
			if (isMatched === false) return "return";
			if (isMatched === undefined) isSure = false;
		} else if (kind === "limit" || kind === "xt" || kind === "vmap")
			isSure = false;
		else if (kind === "accept") return isSure ? "accept" : undefined;
		else if (kind === "drop" || kind === "reject")
			// A rule that may be about other packets proves nothing.
			return isSure ? "drop" : "return";
		else if (kind === "jump" || kind === "goto") {
			const target = chains.find(
				({ family, table, name }) =>
					family === chain.family &&
					table === chain.table &&
					name === (body as { target: string }).target,
			);
			const verdict = target ? through(target, chains, packet) : undefined;
			if (isSure) return verdict;
			return verdict === "return" || verdict === "drop" ? "return" : undefined;
		}
	}
	// An extension of iptables has its verdict beside it.
	return "return";
}
