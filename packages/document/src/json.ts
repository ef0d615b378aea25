import { findNodeAtLocation, parseTree } from "jsonc-parser";
import type { Path, Position } from "./mistakes.js";
import type { Source } from "./source.js";

/** Reads a text that is valid JSON. @returns undefined where it is not */
export function readJson(text: string): Source | undefined {
	// JSON.parse reads hundreds of characters before it meets the first mistake; most YAML begins like no JSON.
	if (!/^\s*[[{]/.test(text)) return undefined;
	try {
		return {
			content: JSON.parse(text),
			positionAt: positions(text),
			json: text,
		};
	} catch {
		return undefined;
	}
}

/** Positions are looked up for mistakes alone: only then is the text read once more, with them. */
function positions(text: string): (path: Path) => Position {
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
