#!/usr/bin/env node
// Bundles the CLI of the package in the working directory, for each bin of its package.json: dist/<bin>.bundle.cjs, from
// src/<bin>.ts, or src/main.ts where there is one bin only; dist/<bin>.cjs, which starts it; V8's code cache for it
// (code-cache.sh). dist/LICENSES is of the libraries in the bundles; packages under "dependencies" stay outside. package.json
// names under "sluice" objects that are copied to dist/bpf/, and typical command lines, which the code cache is made with:
// {"bpf": ["dispatcher.o"], "typical": ["load", "status"]}. Where it names manual pages ("man"), document.ts writes them and the
// completion scripts.

import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { tsImport } from "tsx/esm/api";
import { writeLicenses } from "./licenses.mjs";
import { writeLoader } from "./loader.mjs";
import { copyObjects } from "./objects.mjs";

const manifest = JSON.parse(readFileSync("package.json", "utf8"));
const bins = Object.entries(manifest.bin);

// What an earlier build left would be packed, too.
rmSync("dist", { recursive: true, force: true });
const inputs = [];
for (const [bin, outfile] of bins) {
	const { metafile } = await build({
		entryPoints: [bins.length === 1 ? "src/main.ts" : `src/${bin}.ts`],
		outfile: `dist/${bin}.bundle.cjs`,
		bundle: true,
		platform: "node",
		// Of a library in both forms, the modules: the other cannot always be bundled.
		mainFields: ["module", "main"],
		target: "node20.19",
		format: "cjs",
		external: Object.keys(manifest.dependencies),
		minifyWhitespace: true,
		minifySyntax: true,
		logLevel: "warning",
		metafile: true,
		// A program finds the objects beside it.
		define: {
			"import.meta.dirname": "__dirname",
			"import.meta.filename": "__filename",
		},
	});
	inputs.push(...Object.keys(metafile.inputs));
	writeLoader(bin, outfile, manifest.engines.node);
}
writeLicenses(inputs);

if (manifest.man) {
	const { writeDocuments } = await tsImport("./document.ts", import.meta.url);
	await writeDocuments(process.cwd());
}

copyObjects(manifest.sluice?.bpf ?? []);

for (const [, outfile] of bins) {
	spawnSync(join(import.meta.dirname, "code-cache.sh"), [
		outfile,
		...(manifest.sluice?.typical ?? []),
	]);
	// A program that does not start fails the build. An example has no --version.
	if (manifest.man) execFileSync(process.execPath, [outfile, "--version"]);
}
