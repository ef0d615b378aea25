import { requireLater } from "@sluice/maps/require";
import type { Document, Node } from "yaml";
import type { Mistakes, Path, Position } from "./mistakes.js";
import type { Source } from "./source.js";

/** Loaded with the first YAML: it takes as long as all the rest of a command that reads JSON. */
const library = (): typeof import("yaml") => requireLater("yaml");

/** How often anchors may be repeated, those inside of others multiplied. Repeats share memory; this bounds the time. */
const MOST_ALIASES = 1_000_000;

/** Reads YAML 1.2, with the merge keys of 1.1 (`<<`). @throws Failure usage: what is not YAML, by line */
export function readYaml(text: string, mistakes: Mistakes): Source {
	const { LineCounter, parseDocument } = library();
	const counter = new LineCounter();
	const document = parseDocument(text, {
		lineCounter: counter,
		prettyErrors: false,
		merge: true,
	});
	const positionOf = (offset: number): Position => {
		const { line, col } = counter.linePos(offset);
		return { line: line || 1, column: col || 1 };
	};
	// One mistake confuses a parser for the rest of its line.
	const lines = new Set<number>();
	const add = (offset: number, message: string) => {
		const position = positionOf(offset);
		if (!lines.has(position.line))
			mistakes.add(position, `not YAML: ${message}`);
		lines.add(position.line);
	};
	for (const error of document.errors)
		add(error.pos[0], reworded(error.message));
	if (document.errors.length === 0)
		eachUnknownAlias(document, (offset, name) =>
			add(offset, `no anchor &${name} before it`),
		);
	mistakes.throwIfAny();
	return {
		content: toJs(document, mistakes),
		positionAt: (path) => positionOf(offsetOf(document, path)),
	};
}

/** The library finds them, too, but without saying where. */
function eachUnknownAlias(
	document: Document,
	found: (offset: number, name: string) => void,
): void {
	const anchors = new Set<string>();
	library().visit(document, {
		Alias(_, { source, range }) {
			if (!anchors.has(source)) found(range?.[0] ?? 0, source);
		},
		Value(_, { anchor }) {
			if (anchor !== undefined) anchors.add(anchor);
		},
	});
}

function toJs(document: Document, mistakes: Mistakes): unknown {
	try {
		return document.toJS({ maxAliasCount: MOST_ALIASES });
	} catch (error) {
		// Aliases of aliases, and merge keys of what is no mapping.
		mistakes.add([], `not YAML: ${reworded((error as Error).message)}`);
		mistakes.throwIfAny();
		return undefined;
	}
}

/** Where a path is in the text; of a part that is missing, where its parent is. */
function offsetOf(document: Document, path: Path): number {
	let node: unknown = document.contents;
	let offset = document.contents?.range?.[0] ?? 0;
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
	const { isMap, isNode, isScalar } = library();
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
