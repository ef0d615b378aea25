// Lays out dist/ as the scripts look for it: scripts/*_tc.sh, and beside it bpf/ with the programs' sources, so that
// they can be compiled again with larger tables, and the objects in bpf/dist/.

import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);
/** @param {string} name */
const folder = (name) => dirname(require.resolve(`${name}/package.json`));

const scripts = folder("@sluice/scripts");
const bpf = folder("@sluice/bpf");

rmSync("dist", { recursive: true, force: true });
mkdirSync("dist/scripts", { recursive: true });
for (const name of readdirSync(scripts))
	if (name.endsWith("_tc.sh") || name === "lib.sh")
		cpSync(join(scripts, name), join("dist/scripts", name));

for (const name of ["Makefile", "lib", "tunnel", "LICENSES"])
	cpSync(join(bpf, name), join("dist/bpf", name), { recursive: true });
mkdirSync("dist/bpf/dist");
for (const direction of ["ingress", "egress"]) {
	const object = `pfc_${direction}_tc.o`;
	cpSync(join(bpf, "dist", object), join("dist/bpf/dist", object));
}
