import { withoutMark } from "@sluice/cli-kit";
import { readJson } from "./json.js";
import type { Mistakes } from "./mistakes.js";
import type { Source } from "./source.js";
import { readYaml } from "./yaml.js";

/**
 * Reads a text that is valid JSON as JSON, everything else as YAML: JSON is YAML, and its reader is a hundred times as
 * fast, which a large document needs.
 *
 * @throws Failure usage: what is not YAML, by line
 */
export function readDocument(text: string, mistakes: Mistakes): Source {
	const plain = withoutMark(text);
	return readJson(plain) ?? readYaml(plain, mistakes);
}
