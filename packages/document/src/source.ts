import type { JsonText } from "./json-text.js";
import type { PositionAt } from "./mistakes.js";

/** A file as data, before it is checked. */
export interface Source {
	content: unknown;
	positionAt: PositionAt;
	/** The text, where it is JSON. */
	json?: JsonText;
}
