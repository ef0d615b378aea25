import { findNodeAtLocation, parseTree } from "jsonc-parser";
import { jsonLists, without } from "./json-lists.js";
import type { JsonList } from "./json-text.js";
import type { PositionAt } from "./mistakes.js";
import type { Source } from "./source.js";

/** Reads a text that is valid JSON. @returns undefined where it is not */
export function readJson(text: string): Source | undefined {
	// JSON.parse reads hundreds of characters before it meets the first mistake; most YAML begins like no JSON.
	if (!/^\s*[[{]/.test(text)) return undefined;
	try {
		return { content: JSON.parse(text), positionAt: positions(text) };
	} catch {
		return undefined;
	}
}

/**
 * As `readJson`, of a mapping with lists that may be long: a row is parsed when the list is iterated, so that memory holds
 * few of them. A row that is not JSON throws only then.
 *
 * @param bytes in UTF-8
 * @param names of the lists, at the top of the document; each stands in the content as an iterable
 * @throws SyntaxError by the iterables
 */
export function readJsonRows(
	bytes: Buffer,
	names: readonly string[],
): Source | undefined {
	const all = jsonLists(bytes);
	const lists = all.filter(({ name }) => names.includes(name));
	const rest = without(
		bytes,
		lists.map(({ from, to }) => [from, to]),
	);
	const source = readJson(rest);
	if (!source) return undefined;
	const content = source.content as Record<string, unknown>;
	for (const list of lists)
		if (Array.isArray(content[list.name]))
			content[list.name] = { [Symbol.iterator]: () => rowsOf(bytes, list) };
	let position: PositionAt | undefined;
	return {
		content,
		positionAt(path) {
			position ??= positions(bytes.toString());
			return position(path);
		},
		json: { bytes, lists: all },
	};
}

/** Rows that are parsed at once. */
const AT_ONCE = 16;

function* rowsOf(
	bytes: Buffer,
	{ from, to, commas }: JsonList,
): Generator<unknown> {
	let at = from;
	// The last ones with a comma between them: alone, nothing behind the last comma would pass for no row.
	for (let i = AT_ONCE - 1; i < commas.length - 1; i += AT_ONCE) {
		const comma = commas[i] as number;
		yield* JSON.parse(`[${bytes.toString("utf8", at, comma)}]`);
		at = comma + 1;
	}
	yield* JSON.parse(`[${bytes.toString("utf8", at, to)}]`);
}

/** Positions are looked up for mistakes alone: only then is the text read once more, with them. */
function positions(text: string): PositionAt {
	let tree: ReturnType<typeof parseTree>;
	return (path) => {
		tree ??= parseTree(text);
		let offset = 0;
		for (let depth = path.length; tree && depth >= 0; depth--) {
			const parts = path.slice(0, depth) as (string | number)[];
			const node = findNodeAtLocation(tree, parts);
			if (!node) continue;
			// The key of a mapping, where it is one.
			offset = (node.parent?.type === "property" ? node.parent : node).offset;
			break;
		}
		const before = text.slice(0, offset).split("\n");
		return {
			line: before.length,
			column: (before.at(-1) as string).length + 1,
		};
	};
}
