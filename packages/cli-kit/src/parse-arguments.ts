import type { Cli } from "./command.js";
import type { Env } from "./env.js";
import { Failure } from "./failure.js";
import type { Line } from "./line.js";
import { takesSecret } from "./usage.js";

/**
 * Parses the arguments of a line by its command's own parser. Where one of them is a secret, no error repeats a word:
 * arguments may have been swapped.
 *
 * @throws Failure usage
 */
export function parseArguments(
	cli: Cli,
	{ spec, args }: Pick<Line, "spec" | "args">,
	env: Env,
): unknown {
	try {
		return spec.parse(args, env);
	} catch (error) {
		if (!(error instanceof Failure) || error.discreet === undefined)
			throw error;
		if (!takesSecret(cli, spec)) throw error;
		const { kind, discreet, code, hint } = error;
		throw new Failure(kind, discreet, {
			code,
			...(hint === undefined ? {} : { hint }),
		});
	}
}
