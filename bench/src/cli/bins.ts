import { join } from "node:path";

const packages = join(import.meta.dirname, "../../../packages");

/** The bundled file of a command-line program. */
export function bin(folder: string, name: string): string {
	return join(packages, folder, "dist", `${name}.cjs`);
}
