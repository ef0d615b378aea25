import { isIPv4, isIPv6 } from "node:net";
import { type LineAt, type Mistakes, pathText } from "@sluice/document";
import { endpointText } from "@sluice/maps/address";
import * as v from "valibot";
import { canonical, type Rule } from "./rule.js";
import { type Entry, entry } from "./schema.js";

const MOST_KEYS = 65_536;

/** Upstreams of all keys together. An anchor that many keys repeat makes as many of few lines. */
const MOST_UPSTREAMS = 4_194_304;

/** Checks each entry by itself. What is wrong is added to `mistakes`, and its entry is left out. */
export function rulesOf(content: unknown, mistakes: Mistakes): Rule[] {
	if (!Array.isArray(content) || content.length === 0) {
		const got = Array.isArray(content) ? "an empty list" : shown(content);
		mistakes.add([], `expected a list of keys, got ${got}`);
		return [];
	}
	const upstreams = content.reduce<number>(
		(sum, one) =>
			sum + (Array.isArray(one?.upstream) ? one.upstream.length : 0),
		0,
	);
	if (content.length > MOST_KEYS || upstreams > MOST_UPSTREAMS) {
		mistakes.add(
			[],
			`expected at most ${MOST_KEYS} keys and ${MOST_UPSTREAMS} upstreams, got ${content.length} and ${upstreams}`,
		);
		return [];
	}
	return content.flatMap((value: unknown, index) => {
		const result = v.safeParse(entry, value);
		if (result.success) return [ruleOf(result.output)];
		for (const issue of result.issues) {
			const path = [index, ...(issue.path ?? []).map(keyOf)];
			mistakes.add(path, `${pathText(path)}: ${problemOf(issue)}`);
		}
		return [];
	});
}

/** Checks across entries. */
export function checkTogether(
	rules: readonly Rule[],
	mistakes: Mistakes,
	lineAt: LineAt,
): void {
	const keys = new Map<string, number>();
	for (const [i, rule] of rules.entries()) {
		const name = endpointText(rule.address, rule.port);
		const before = keys.get(name);
		if (before === undefined) keys.set(name, i);
		else
			mistakes.add(
				[i],
				`[${i}].key: expected a key that is not there yet, got ${name} of line ${lineAt([before])} again`,
			);
		checkUpstreams(rule, i, mistakes);
	}
}

function checkUpstreams(rule: Rule, index: number, mistakes: Mistakes): void {
	const seen = new Set<string>();
	const family = isIPv4(rule.address) ? "IPv4" : "IPv6";
	const key = endpointText(rule.address, rule.port);
	for (const [i, { host, port }] of rule.upstreams.entries()) {
		const path = [index, "upstream", i];
		const name = endpointText(host, port);
		if (isIPv4(host) ? family === "IPv6" : isIPv6(host) && family === "IPv4")
			mistakes.add(
				path,
				`${pathText(path)}.address: expected an ${family} address, as the key has, got "${host}"`,
			);
		if (name === key)
			mistakes.add(
				path,
				`${pathText(path)}: expected another endpoint than the key, got ${name}`,
			);
		if (seen.has(name))
			mistakes.add(
				path,
				`${pathText(path)}: expected each upstream once, with a weight, got ${name} again`,
			);
		seen.add(name);
	}
}

const ruleOf = ({ key, options, upstream }: Entry): Rule => ({
	address: canonical(key.address),
	port: key.port,
	action: options.tc_action,
	strategy: options.strategy,
	upstreams: upstream.map(({ address, port, weight }) => ({
		host: canonical(address),
		port,
		weight,
	})),
});

type Issue = v.InferIssue<typeof entry>;

const keyOf = (item: v.IssuePathItem) => item.key as PropertyKey;

function problemOf(issue: Issue): string {
	if (issue.type === "strict_object" && issue.expected === "never")
		return `unknown; expected ${issue.message}`;
	const got = issue.path?.at(-1)?.value ?? issue.input;
	return `expected ${expectedText(issue)}, got ${shown(issue.type === "strict_object" ? got : issue.input)}`;
}

/** The expected value of an object with a missing field is the field. */
function expectedText(issue: Issue): string {
	const missing =
		issue.type === "strict_object" &&
		issue.expected !== "Object" &&
		issue.path?.at(-1)?.value === undefined;
	return missing
		? (wordings[String(issue.path?.at(-1)?.key)] ?? issue.message)
		: issue.message;
}

const wordings: Record<string, string> = {
	key: "address and port",
	address: "an address",
	port: "an integer from 1 to 65535",
	upstream: "a list of 1 to 65535 upstreams",
};

/** A value as it would be typed, cut where it is long. */
function shown(value: unknown): string {
	if (value === undefined || value === null) return "nothing";
	if (Array.isArray(value))
		return value.length === 0 ? "an empty list" : "a list";
	if (typeof value === "object") return "a mapping";
	const text = JSON.stringify(value);
	return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
