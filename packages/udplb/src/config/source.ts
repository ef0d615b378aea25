import type { LineAt } from "./mistakes.js";

/** A file as data, before it is checked. */
export interface Source {
	content: unknown;
	/** The line of a path; of a part that is missing, its parent's. */
	lineAt: LineAt;
}
