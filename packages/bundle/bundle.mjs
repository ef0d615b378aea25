#!/usr/bin/env node
// Bundles the CLI of the package in the working directory: every bin of its package.json to one file,
// dist/<bin>.cjs, from src/<bin>.ts, or src/main.ts where there is one bin only. Libraries that few commands need are in
// it as text, which is compiled when it is asked for: to parse them took half the time of starting, whether they ran or
// not. Objects that package.json names under "sluice": {"bpf": ["dispatcher.o"]} are copied beside it, to dist/bpf/, so
// that a packed tarball carries them.
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

/** @type {import("esbuild").BuildOptions} */
const options = {
	bundle: true,
	platform: "node",
	// Of a library in both forms, the modules: the other cannot always be bundled.
	mainFields: ["module", "main"],
	target: "node20.19",
	format: "cjs",
	// A native module is found at run time, where it is installed.
	external: ["koffi"],
	minifyWhitespace: true,
	minifySyntax: true,
	// yargs asks where it stands.
	define: { "import.meta.url": "__bundle_url" },
	logLevel: "warning",
};

/** Libraries that are compiled when they are needed. */
const lazy = /^(yargs|prom-client|yaml)$/;

// What an earlier build left would be packed, too.
rmSync("dist", { recursive: true, force: true });
for (const [bin, outfile] of bins) {
	await bundle(bin, outfile);
	chmodSync(outfile, 0o755);
}
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
					build.onResolve({ filter: lazy }, ({ path, resolveDir }) => ({
						path,
						namespace: "lazy",
						pluginData: resolveDir,
					}));
					build.onLoad(
						{ filter: /^/, namespace: "lazy" },
						async ({ path, pluginData }) => ({
							contents: asText(await library(path, pluginData)),
						}),
					);
				},
			},
		],
		banner: {
			js: `#!/usr/bin/env node\n${refusal(bin)}const __bundle_url=require("node:url").pathToFileURL(__filename).href;`,
		},
	});
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

/**
 * A library as one script, which sets `module.exports` to what the program imports: of an ES module its default.
 * @param {string} name
 * @param {string} resolveDir
 */
async function library(name, resolveDir) {
	const { outputFiles } = await build({
		...options,
		stdin: {
			contents: `const all = require("${name}"); module.exports = all.default ?? all;`,
			resolveDir,
		},
		write: false,
	});
	return outputFiles[0]?.text ?? "";
}

/**
 * A module that compiles a script when it is first required.
 * @param {string} script
 */
function asText(script) {
	return `
		const names = ["module", "require", "__filename", "__dirname", "__bundle_url"];
		const run = new Function(...names, ${JSON.stringify(script)});
		run(module, require, __filename, __dirname, __bundle_url);`;
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
