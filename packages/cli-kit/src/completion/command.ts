import { basename } from "node:path";
import {
	type AnyCommand,
	type Cli,
	type Command,
	command,
} from "../command.js";
import { word } from "../values.js";
import type { Shell } from "./script.js";

/** The shells that a completion script can be made for. */
const shells: readonly Shell[] = ["bash", "zsh", "fish"];

/**
 * The command that every program has: prints its completion script.
 * @param commands all of the program's, this one included
 */
export const completion = (
	cli: Cli,
	commands: () => Iterable<AnyCommand>,
): Command<Shell> =>
	command({
		usage: "completion [<shell>]",
		summary: "Print a completion script for the shell",
		positionals: { shell: `${shells.join(", ")} [default: that of $SHELL]` },
		examples: [["completion bash", "The script that packages install"]],
		kernel: false,
		parse(args, { vars }) {
			const typed = args.optional("shell");
			if (typed !== undefined) return word("shell", typed, shells);
			const own = basename(vars.SHELL ?? "");
			return shells.find((one) => one === own) ?? "bash";
		},
		async run(shell, { env }) {
			const { completionScript } = await import("./script.js");
			env.out(completionScript(cli, commands(), shell));
		},
	});
