export { differingRows } from "./differing-rows.js";
export { readJson, readJsonRows } from "./json.js";
export { jsonLists } from "./json-lists.js";
export type { JsonText } from "./json-text.js";
export { readKeyFile } from "./key-file.js";
export {
	type LineAt,
	Mistakes,
	type Path,
	type Position,
	type PositionAt,
	pathText,
} from "./mistakes.js";
export { packLists, unpackLists } from "./packed-lists.js";
export { readDocument } from "./read.js";
export type { Source } from "./source.js";
