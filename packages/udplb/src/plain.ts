import type { Rule } from "./config.js";
export function plainEntries(_text: string): Rule[] | undefined {
	return undefined;
}
