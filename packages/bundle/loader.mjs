import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Writes the file that starts a bundle, dist/<bin>.bundle.cjs. With a Node.js older than `engines` says it prints one
 * line and exits. The name of V8's code cache has the bundle's digest, since V8 compares only the length. V8 refuses a
 * cache of another version of itself, and compiles.
 *
 * @param {string} bin
 * @param {string} outfile
 * @param {string} engines ">=20.19"
 */
export function writeLoader(bin, outfile, engines) {
	const [, major, minor] = /^>=(\d+)\.(\d+)$/.exec(engines) ?? [];
	const file = join("dist", `${bin}.bundle.cjs`);
	// A vm.Script cannot import, but for an experimental option: its loader does, by a name that no module has.
	const code = loadedLater(
		readFileSync(file, "utf8").replaceAll(/\bimport\("/g, '__import("'),
	);
	// Its loader reads a byte as a character.
	writeFileSync(file, code, "ascii");
	const digest = createHash("sha256").update(code).digest("hex").slice(0, 16);
	const text = `#!/usr/bin/env node
const [major, minor] = process.versions.node.split(".");
if (major < ${major} || (major == ${major} && minor < ${minor})) {
	console.error("${bin}: Node.js " + process.version + " is too old; install ${major}.${minor} or later");
	process.exit(4);
}
const fs = require("node:fs");
const vm = require("node:vm");
const filename = __dirname + "/${bin}.bundle.cjs";
let cachedData;
try {
	cachedData = fs.readFileSync(__dirname + "/${bin}.${digest}.cache");
} catch {}
new vm.Script(
	"(function (require, module, __dirname, __import, __later) {" + fs.readFileSync(filename, "latin1") + "\\n})",
	{ filename, cachedData },
).runInThisContext()(require, module, __dirname, (name) => import(name), (name) => {
	let loaded;
	return () => (loaded ??= require(name));
});
`;
	writeFileSync(outfile, text, { mode: 0o755 });
}

/**
 * Node's modules are loaded when they are first used: node:crypto takes a quarter of `node -e 0`.
 *
 * @param {string} code import_node_fs=require("node:fs") and import_node_fs.readFileSync, as esbuild writes it
 */
function loadedLater(code) {
	const names = new Set();
	const later = code.replaceAll(
		/\b(import_\w+)=require\(("node:[\w/]+")\)/g,
		(_, name, module) => {
			names.add(name);
			return `${name}=__later(${module})`;
		},
	);
	// In parentheses: `new net().BlockList` would be `(new net()).BlockList`.
	return later.replaceAll(/\b(import_\w+)\.(?=\w)/g, (used, name) =>
		names.has(name) ? `(${name}()).` : used,
	);
}
