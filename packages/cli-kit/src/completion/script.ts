import type { AnyCommand, Cli } from "../command.js";
import { bashScript } from "./bash.js";
import { fishScript } from "./fish.js";
import { verbs } from "./grammar.js";
import { zshScript } from "./zsh.js";

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

export type Shell = keyof typeof scripts;

/**
 * A completion script. It contains the grammar of the command line, and runs the program only for values from the tables, such as
 * the ids of tunnels.
 */
export const completionScript = (
	cli: Cli,
	commands: Iterable<AnyCommand>,
	shell: Shell,
): string => scripts[shell](cli, verbs(cli, commands));
