#!/usr/bin/env node
// Bundles the CLI of the package in the working directory: every bin of its package.json to one file,
// dist/<bin>.cjs, from src/<bin>.ts, or src/main.ts where there is one bin only. Libraries that few commands need stand
// beside it, in dist/<library>.cjs: to read them took half the time of reading the program, whether they ran or not.
// Objects that package.json names under "sluice": {"bpf": ["dispatcher.o"]} are copied beside it, to dist/bpf/, so that a
// packed tarball carries them.
// Where package.json names manual pages ("man"), they and completion scripts are made of the same programs, which must
// be cli-kit's, to dist/man/ and dist/completions/.

import { execFileSync } from "node:child_process";
import {
	chmodSync,
	copyFileSync,
	mkdirSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { build } from "esbuild";

const manifest = JSON.parse(readFileSync("package.json", "utf8"));
const bins = Object.entries(manifest.bin);

// yargs asks where it stands.
const whereItStands =
	'const __bundle_url=require("node:url").pathToFileURL(__filename).href;';

/** @type {import("esbuild").BuildOptions} */
const options = {
	bundle: true,
	platform: "node",
	target: "node20.19",
	format: "cjs",
	// A native module is found at run time, where it is installed.
	external: ["koffi"],
	minifyWhitespace: true,
	minifySyntax: true,
	define: { "import.meta.url": "__bundle_url" },
	logLevel: "warning",
};

/** Libraries that are read when they are needed. */
const lazy = /^(yargs|prom-client)$/;
/** Those that are used, and the directory from which. */
const used = new Map();

for (const [bin, outfile] of bins) {
	await bundle(bin, outfile);
	chmodSync(outfile, 0o755);
}
for (const [library, from] of used) await bundleLibrary(library, from);
// Another program would simply run.
if (manifest.man) for (const [bin] of bins) await document(bin);

/**
 * @param {string} bin
 * @param {string} outfile
 * @param {import("esbuild").Plugin[]} plugins
 */
function bundle(bin, outfile, plugins = []) {
	return build({
		...options,
		entryPoints: [bins.length === 1 ? "src/main.ts" : `src/${bin}.ts`],
		outfile,
		plugins: [
			...plugins,
			{
				name: "lazy",
				setup(build) {
					build.onResolve({ filter: lazy }, ({ path, resolveDir }) => {
						used.set(path, resolveDir);
						return { path: `./${path}.cjs`, external: true };
					});
				},
			},
		],
		banner: { js: `#!/usr/bin/env node\n${whereItStands}` },
	});
}

/**
 * @param {string} library
 * @param {string} resolveDir
 */
function bundleLibrary(library, resolveDir) {
	return build({
		...options,
		stdin: {
			// What an ES module exports by default is what the program imports.
			contents: `const all = require("${library}"); module.exports = all.default ?? all;`,
			resolveDir,
		},
		outfile: join("dist", `${library}.cjs`),
		banner: { js: whereItStands },
	});
}

/**
 * Bundles the program once more, with what describes it in the place of what runs it, and writes what that prints.
 * @param {string} bin
 */
async function document(bin) {
	const describer = join("dist", `.${bin}.describe.cjs`);
	await bundle(bin, describer, [
		{
			name: "describe",
			setup(build) {
				build.onResolve({ filter: /^\.\/run\.js$/ }, ({ resolveDir }) => ({
					path: join(resolveDir, "docs/describe.ts"),
				}));
			},
		},
	]);
	const text = execFileSync(process.execPath, [describer], {
		encoding: "utf8",
	});
	rmSync(describer);
	const { section, man, bash, zsh } = JSON.parse(text);
	for (const [directory, name, content] of [
		["man", `${bin}.${section}`, man],
		["completions", `${bin}.bash`, bash],
		["completions", `_${bin}`, zsh],
	]) {
		mkdirSync(join("dist", directory), { recursive: true });
		writeFileSync(join("dist", directory, name), content);
	}
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
