import { type AnyCommand, type Cli, commonOptions } from "../command.js";
import { usagesOf } from "../usage.js";

/** What --help --json prints: the description of a program, or of one of its commands. */
export function programDocument(
	{ name, summary, version, commands, options }: Cli,
	spec: AnyCommand | undefined,
) {
	return {
		name,
		summary,
		version,
		commands: (spec ? [spec] : commands).map((one) => ({
			usage: usagesOf(one),
			summary: one.summary,
			arguments: one.positionals ?? {},
			options: one.options ?? {},
			examples: (one.examples ?? []).map(([line, does]) => ({ line, does })),
		})),
		options: { ...options, ...commonOptions },
	};
}
