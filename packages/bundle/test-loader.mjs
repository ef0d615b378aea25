// What ava's workers import first: a test file is loaded from its bundle (test-files.mjs), which is in SLUICE_TEST_BUNDLES.

import { existsSync } from "node:fs";
import * as module from "node:module";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** @type {module.ResolveHook} */
export const resolve = (specifier, context, nextResolve) => {
	const url = bundleOf(specifier);
	return url ? { url, shortCircuit: true } : nextResolve(specifier, context);
};

/** @param {string} specifier */
function bundleOf(specifier) {
	if (!/^file:.*\.test\.ts$/.test(specifier)) return undefined;
	const file = path.relative(process.cwd(), fileURLToPath(specifier));
	const bundle = path.join(
		process.env.SLUICE_TEST_BUNDLES ?? "",
		file.replace(/ts$/, "js"),
	);
	return existsSync(bundle) ? pathToFileURL(bundle).href : undefined;
}
