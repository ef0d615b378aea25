#!/usr/bin/env node
// Bundles the CLI of the package in the working directory: each bin of its package.json to one file, dist/<bin>.cjs,
// from src/<bin>.ts, or src/main.ts where there is one bin only. Packages under "dependencies" stay outside. Objects
// that package.json names under "sluice": {"bpf": ["dispatcher.o"]} are copied to dist/bpf/. Where package.json names
// manual pages ("man"), document.ts writes them and the completion scripts.

import {
	chmodSync,
	copyFileSync,
	mkdirSync,
	readFileSync,
	rmSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { tsImport } from "tsx/esm/api";

const manifest = JSON.parse(readFileSync("package.json", "utf8"));
const bins = Object.entries(manifest.bin);

// What an earlier build left would be packed, too.
rmSync("dist", { recursive: true, force: true });
for (const [bin, outfile] of bins) {
	await build({
		entryPoints: [bins.length === 1 ? "src/main.ts" : `src/${bin}.ts`],
		outfile,
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
		// A program finds the objects beside it.
		define: {
			"import.meta.dirname": "__dirname",
			"import.meta.filename": "__filename",
		},
		banner: { js: `#!/usr/bin/env node\n${refusal(bin)}` },
	});
	chmodSync(outfile, 0o755);
}

if (manifest.man) {
	const { writeDocuments } = await tsImport("./document.ts", import.meta.url);
	await writeDocuments(process.cwd());
}

const objects = manifest.sluice?.bpf ?? [];
if (objects.length > 0) {
	const bpf = dirname(
		createRequire(`${process.cwd()}/`).resolve("@sluice/bpf/package.json"),
	);
	mkdirSync("dist/bpf", { recursive: true });
	for (const object of objects)
		copyFileSync(join(bpf, "dist", object), join("dist/bpf", object));
}

/**
 * What a program does first: with a Node.js older than package.json names, it prints one line and exits.
 * @param {string} bin
 */
function refusal(bin) {
	const [, major, minor] = /^>=(\d+)\.(\d+)$/.exec(manifest.engines.node);
	return `{
		const [major, minor] = process.versions.node.split(".");
		if (major < ${major} || (major == ${major} && minor < ${minor})) {
			console.error("${bin}: Node.js " + process.version + " is too old; install ${major}.${minor} or later");
			process.exit(4);
		}
	}\n`.replaceAll(/\n\t+/g, "");
}
