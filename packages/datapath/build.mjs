// Lays out dist/ as the scripts look for it: scripts/*_tc.sh, and beside it bpf/ with the programs' sources, so that
// they can be compiled again with larger tables, and the objects in bpf/dist/. The scripts' manual pages go to dist/man/.

import {
	cpSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { manPage } from "./man.mjs";

const require = createRequire(import.meta.url);
/** @param {string} name */
const folder = (name) => dirname(require.resolve(`${name}/package.json`));

const scripts = folder("@sluice/scripts");
const bpf = folder("@sluice/bpf");

rmSync("dist", { recursive: true, force: true });
mkdirSync("dist/scripts", { recursive: true });
for (const name of readdirSync(scripts))
	if (/(_tc|^lib|^hooks|^attaching|^migrating)\.sh$/.test(name))
		cpSync(join(scripts, name), join("dist/scripts", name));

const { bin, version } = JSON.parse(readFileSync("package.json", "utf8"));
mkdirSync("dist/man");
for (const name of Object.keys(bin))
	writeFileSync(
		join("dist/man", `${name}.8`),
		manPage(readFileSync(join(scripts, name), "utf8"), version),
	);

for (const name of ["Makefile", "lib", "tunnel", "LICENSES"])
	cpSync(join(bpf, name), join("dist/bpf", name), { recursive: true });
mkdirSync("dist/bpf/dist");
for (const object of readdirSync(join(bpf, "dist")))
	if (/^pfc_.*_tc\.o$/.test(object))
		cpSync(join(bpf, "dist", object), join("dist/bpf/dist", object));
