import type { PositionAt } from "./mistakes.js";

/** A file as data, before it is checked. */
export interface Source {
	content: unknown;
	positionAt: PositionAt;
	/** The text in UTF-8, where it is JSON. */
	json?: Buffer;
}
