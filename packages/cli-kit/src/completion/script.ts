import type { Cli } from "../command.js";
import { bashScript } from "./bash.js";
import type { Shell } from "./command.js";
import { fishScript } from "./fish.js";
import { zshScript } from "./zsh.js";

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/**
 * A completion script. What a command line may hold is in it; it runs the program only for what the tables know, such as
 * the ids of tunnels.
 */
export const completionScript = (cli: Cli, shell: Shell): string =>
	scripts[shell](cli);
