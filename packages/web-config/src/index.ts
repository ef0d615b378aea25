import type { Context } from "@sluice/cli-kit";
import { WebAccess } from "./access.js";

export { WebAccess } from "./access.js";

/**
 * Who may read metrics, by a file of `--web.config.file`; undefined without one.
 * @throws Failure usage: a mistake in the file
 */
export const accessOf = (
	file: string | undefined,
	context: Pick<Context, "warn">,
): WebAccess | undefined =>
	file === undefined
		? undefined
		: new WebAccess(file, (message) => context.warn(message));
