// What ava's workers load first: a test file is loaded from its bundle (test-files.mjs), which is in SLUICE_TEST_BUNDLES.
// A hook of Node's module loader would do the same from a thread of its own, which takes 0.4 s of CPU per worker.
const path = require("node:path");
const { pathToFileURL } = require("node:url");

/**
 * Ava requires a test file, since its extension is "commonjs", and awaits what it exports.
 *
 * @param {NodeJS.Module} module
 * @param {string} file
 */
require.extensions[".test.ts"] = (module, file) => {
	const bundle = path.join(
		process.env.SLUICE_TEST_BUNDLES ?? "",
		path.relative(process.cwd(), file).replace(/ts$/, "js"),
	);
	module.exports = import(pathToFileURL(bundle).href);
};
