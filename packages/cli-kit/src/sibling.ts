import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * The command that starts another program of this release: the one beside the running program, as a checkout and an
 * installation have it; else that of PATH.
 *
 * @param name "cli_doctor", of the package cli-doctor
 */
export function siblingProgram(name: string): [string, ...string[]] {
	const own = dirname(realpathSync(process.argv[1] ?? "."));
	const directory = `../../${name.replace("_", "-")}`;
	const beside = join(own, directory, `dist/${name}.cjs`);
	return existsSync(beside) ? [process.execPath, beside] : [name];
}
