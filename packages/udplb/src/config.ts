import { readFileSync } from "node:fs";
import { isIPv4, isIPv6 } from "node:net";
import { badInput } from "@sluice/cli-kit";
import * as v from "valibot";
import {
	type Document,
	isMap,
	isNode,
	isScalar,
	LineCounter,
	type Node,
	parseDocument,
} from "yaml";
import { plainEntries } from "./plain.js";
import { canonical, type Rule } from "./rule.js";
import { type Entry, entry } from "./schema.js";

/** Messages of one file that are shown; the rest is counted. */
const SHOWN = 10;

/**
 * Reads the configuration.
 * @throws Failure usage: every mistake with file, line, path, what was expected and what was got.
 */
export function readConfig(path: string): Rule[] {
	let bytes: Buffer;
	try {
		bytes = readFileSync(path);
	} catch (cause) {
		const { code } = cause as NodeJS.ErrnoException;
		throw badInput(
			`read ${path}: ${code === "ENOENT" ? "no such file" : "cannot be read"} (${code})`,
			code === "ENOENT" ? "name the configuration with -c FILE" : undefined,
		);
	}
	return parseConfig(path, bytes.toString("utf8"));
}

/** @throws Failure usage, as `readConfig` */
export function parseConfig(path: string, text: string): Rule[] {
	const mistakes = new Mistakes(path);
	const rules = plainEntries(text) ?? fromYaml(text, mistakes);
	mistakes.throwIfAny();
	checkTogether(rules, mistakes);
	mistakes.throwIfAny();
	return rules;
}

/** Mistakes in a file, in the order of their lines. */
class Mistakes {
	readonly #path: string;
	readonly #found: { line: number; text: string }[] = [];

	constructor(path: string) {
		this.#path = path;
	}

	add(line: number, text: string): void {
		this.#found.push({ line, text });
	}

	throwIfAny(): void {
		if (this.#found.length === 0) return;
		const lines = this.#found
			.sort((a, b) => a.line - b.line)
			.slice(0, SHOWN)
			.map(({ line, text }) => `${this.#path}:${line}: ${text}`);
		const more = this.#found.length - lines.length;
		if (more > 0) lines.push(`and ${more} more`);
		throw badInput(lines);
	}
}

function fromYaml(text: string, mistakes: Mistakes): Rule[] {
	const counter = new LineCounter();
	const document = parseDocument(text, {
		lineCounter: counter,
		prettyErrors: false,
	});
	const lineAt = (offset: number) => counter.linePos(offset).line;
	// One mistake confuses a parser for the rest of its line.
	const lines = new Set<number>();
	for (const error of document.errors) {
		const line = lineAt(error.pos[0]);
		if (!lines.has(line))
			mistakes.add(line, `not YAML: ${reworded(error.message)}`);
		lines.add(line);
	}
	mistakes.throwIfAny();

	const content: unknown = document.toJS();
	if (!Array.isArray(content) || content.length === 0) {
		const line = lineAt(document.contents?.range?.[0] ?? 0);
		const got = Array.isArray(content) ? "an empty list" : shown(content);
		mistakes.add(line, `expected a list of keys, got ${got}`);
		return [];
	}
	const at = (path: PropertyKey[]) => lineAt(offsetOf(document, path));
	return content.flatMap((value: unknown, index) => {
		const result = v.safeParse(entry, value);
		if (result.success) {
			const lineOf = (upstream: number) => at([index, "upstream", upstream]);
			return [ruleOf(result.output, at([index]), lineOf)];
		}
		for (const issue of result.issues) {
			const path = [index, ...(issue.path ?? []).map(keyOf)];
			mistakes.add(at(path), `${pathText(path)}: ${problemOf(issue)}`);
		}
		return [];
	});
}

function ruleOf(
	{ key, options, upstream }: Entry,
	line: number,
	lineOf: (upstream: number) => number,
): Rule {
	return {
		address: canonical(key.address),
		port: key.port,
		action: options.tc_action,
		strategy: options.strategy,
		upstreams: upstream.map(({ address, port, weight }, i) => ({
			host: canonical(address),
			port,
			weight,
			line: lineOf(i),
		})),
		line,
	};
}

/** What no entry can know of itself. */
function checkTogether(rules: readonly Rule[], mistakes: Mistakes): void {
	const keys = new Map<string, number>();
	for (const [i, rule] of rules.entries()) {
		const name = endpointText(rule.address, rule.port);
		const before = keys.get(name);
		if (before === undefined) keys.set(name, rule.line);
		else
			mistakes.add(
				rule.line,
				`[${i}].key: expected a key that is not there yet, got ${name} of line ${before} again`,
			);
		checkUpstreams(rule, i, mistakes);
	}
	if (rules.length > 65_536)
		mistakes.add(
			rules[65_536]?.line ?? 0,
			`expected at most 65536 keys, got ${rules.length}`,
		);
}

function checkUpstreams(rule: Rule, index: number, mistakes: Mistakes): void {
	const seen = new Set<string>();
	const family = isIPv4(rule.address) ? "IPv4" : "IPv6";
	for (const [i, { host, port, line }] of rule.upstreams.entries()) {
		const path = `[${index}].upstream[${i}]`;
		const name = endpointText(host, port);
		if (isIPv4(host) ? family === "IPv6" : isIPv6(host) && family === "IPv4")
			mistakes.add(
				line,
				`${path}.address: expected an ${family} address, as the key has, got "${host}"`,
			);
		if (name === endpointText(rule.address, rule.port))
			mistakes.add(
				line,
				`${path}: expected another endpoint than the key, got ${name}`,
			);
		if (seen.has(name))
			mistakes.add(
				line,
				`${path}: expected each upstream once, with a weight, got ${name} again`,
			);
		seen.add(name);
	}
}

/** "10.0.0.1:53", "[fd00::1]:53". */
export const endpointText = (host: string, port: number) =>
	host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;

type Issue = v.InferIssue<typeof entry>;

const keyOf = (item: v.IssuePathItem) => item.key as PropertyKey;

function problemOf(issue: Issue): string {
	if (issue.type === "strict_object" && issue.expected === "never")
		return `unknown; expected ${issue.message}`;
	const got = issue.path?.at(-1)?.value ?? issue.input;
	return `expected ${expectedText(issue)}, got ${shown(issue.type === "strict_object" ? got : issue.input)}`;
}

/** Of an object with a part missing, the part is what was expected. */
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

/** `[0].upstream[1].port`. */
const pathText = (path: readonly PropertyKey[]) =>
	path.reduce<string>(
		(text, part) =>
			text + (typeof part === "number" ? `[${part}]` : `.${String(part)}`),
		"",
	);

/** Where a path is in the text; of a part that is missing, where its parent is. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
	let node: unknown = document.contents;
	let offset = 0;
	for (const part of path) {
		const next = childOf(document, node, part);
		if (!next) break;
		({ node, offset } = next);
	}
	return offset;
}

function childOf(
	document: Document,
	parent: unknown,
	part: PropertyKey,
): { node: unknown; offset: number } | undefined {
	const resolved = resolveAlias(document, parent);
	if (isMap(resolved)) {
		const pair = resolved.items.find(
			({ key }) => isScalar(key) && key.value === part,
		);
		const key = pair?.key as Node | undefined;
		return pair && key
			? { node: pair.value, offset: key.range?.[0] ?? 0 }
			: undefined;
	}
	const items = (resolved as { items?: unknown[] } | null)?.items;
	const node = typeof part === "number" ? items?.[part] : undefined;
	return isNode(node) ? { node, offset: node.range?.[0] ?? 0 } : undefined;
}

function resolveAlias(document: Document, node: unknown): unknown {
	const alias = node as { resolve?: (document: Document) => unknown } | null;
	return alias?.resolve ? alias.resolve(document) : node;
}

/** The library's message in this project's form: its first line, lower case, without the full stop. */
function reworded(message: string): string {
	const line = message.split("\n", 1)[0] as string;
	return `${line.charAt(0).toLowerCase()}${line.slice(1)}`.replace(/\.$/, "");
}
