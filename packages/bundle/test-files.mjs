// Bundles the tests of a package for ava (ava.config.js), and the programs in test/fixtures that they run: Node.js then loads
// a few files of JavaScript, in place of a hundred of TypeScript, which take three times the CPU of a small test.

import {
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
} from "node:fs";
import path from "node:path";
import { build } from "esbuild";

const NOT_OURS = new Set(["node_modules", "dist", ".turbo"]);
/** What a bundle cannot contain: ava's state is that of its worker, and the others read files beside them. */
const OUTSIDE = new Set(["ava", "koffi", "yargs"]);

/**
 * @returns {Promise<string>} the directory that has `test/a.test.js` for `test/a.test.ts` of the working directory, as long
 *   as this process runs
 */
export async function bundleTests() {
	// Within the package, since packages that are not bundled are looked up from there.
	mkdirSync("node_modules/.cache", { recursive: true });
	const outdir = mkdtempSync(path.resolve("node_modules/.cache/tests-"));
	process.on("exit", () => rmSync(outdir, { recursive: true, force: true }));
	await build({
		entryPoints: testFiles(),
		outdir,
		outbase: ".",
		bundle: true,
		splitting: true,
		platform: "node",
		// Of a library in both forms, the modules: the other cannot always be bundled.
		mainFields: ["module", "main"],
		target: "node20.19",
		format: "esm",
		sourcemap: "linked",
		sourcesContent: false,
		logLevel: "warning",
		banner: {
			js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
		},
		plugins: [{ name: "sources", setup: keepPlaces }],
	});
	return outdir;
}

/** Those of every directory, since a longer check has a configuration and a directory of its own. */
function testFiles() {
	return readdirSync(".", { withFileTypes: true })
		.filter((entry) => entry.isDirectory() && !NOT_OURS.has(entry.name))
		.flatMap(({ name }) =>
			/** @type {string[]} */ (readdirSync(name, { recursive: true }))
				.filter((file) => /(\.test|^fixtures\/.*)\.ts$/.test(file))
				.map((file) => path.join(name, file)),
		);
}

/**
 * What a module reads by its own place is where its source is.
 *
 * @param {import("esbuild").PluginBuild} plugins
 */
function keepPlaces(plugins) {
	plugins.onResolve({ filter: /^[^./]/ }, ({ path: name, kind }) =>
		kind === "entry-point" || !OUTSIDE.has(name)
			? undefined
			: { path: name, external: true },
	);
	plugins.onLoad({ filter: /\.ts$/ }, ({ path: file }) => ({
		loader: "ts",
		contents: readFileSync(file, "utf8")
			.replaceAll("import.meta.dirname", JSON.stringify(path.dirname(file)))
			.replaceAll("import.meta.filename", JSON.stringify(file))
			.replaceAll("import.meta.url", JSON.stringify(`file://${file}`)),
	}));
}
