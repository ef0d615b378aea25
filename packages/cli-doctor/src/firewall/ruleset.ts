import { execa } from "execa";

/** As much of `nft --json list ruleset` as is used here. */
export interface Chain {
	family: string;
	table: string;
	name: string;
	/** Of base chains. */
	hook?: string;
	prio?: number;
	policy?: "accept" | "drop";
	rules: Rule[];
}

/** The statements of a rule, in order. */
export type Rule = readonly Record<string, unknown>[];

interface Item {
	chain?: Omit<Chain, "rules">;
	rule?: { family: string; table: string; chain: string; expr: Rule };
}

/** The chains of this network namespace; undefined without nft, or where it may not look. */
export async function ruleset(): Promise<Chain[] | undefined> {
	const { exitCode, stdout } = await execa(
		"nft",
		["--json", "list", "ruleset"],
		{ reject: false },
	);
	if (exitCode !== 0) return undefined;
	const { nftables } = JSON.parse(stdout) as { nftables: Item[] };
	const chains: Chain[] = [];
	for (const { chain, rule } of nftables) {
		if (chain) chains.push({ ...chain, rules: [] });
		if (rule)
			chains
				.find(
					(one) =>
						one.family === rule.family &&
						one.table === rule.table &&
						one.name === rule.chain,
				)
				?.rules.push(rule.expr);
	}
	return chains;
}
