import type { Cli } from "../command.js";
import { bashScript } from "./bash.js";
import type { Shell } from "./command.js";
import { fishScript } from "./fish.js";
import { zshScript } from "./zsh.js";

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/**
 * A completion script. It contains the grammar of the command line, and runs the program only for values from the tables, such as
 * the ids of tunnels.
 */
export const completionScript = (cli: Cli, shell: Shell): string =>
	scripts[shell](cli);
