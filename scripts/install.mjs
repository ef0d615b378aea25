#!/usr/bin/env node
// install.mjs [--prefix DIR] [--destdir DIR] [--node PATH]
// install.mjs --uninstall [--prefix DIR] [--destdir DIR]
//
// Installs what was built: programs and attach scripts to PREFIX/bin, manual pages, completions, systemd units and
// documentation to their places under PREFIX. All code is in PREFIX/lib/sluice, laid out as npm lays it out, so that
// each library is there once. Installing again replaces what was there; uninstalling removes what was installed, and
// nothing else. Touches neither the kernel nor a service.
//
//   --prefix    where it will run from (/usr/local)
//   --destdir   put in front of every path that is written: a package's root, for example
//   --node      the Node.js that the programs name in their first line; default: the `node` of PATH where it is new
//               enough, and a copy of the one that runs this script where it is not
//
// Exit code: 0 done, 1 failed, 2 bad usage.

import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { parseArgs } from "node:util";

const root = path.join(import.meta.dirname, "..");
const { version, engines } = readJson(path.join(root, "package.json"));

const { values: given } = parseArguments();
const prefix = path.resolve(given.prefix);
const library = path.join(prefix, "lib/sluice");

/** Paths outside of the library, from the prefix on: what uninstalling removes. @type {string[]} */
const placed = [];
const listFile = path.join(library, "installed");

if (given.uninstall) uninstall();
else install();

function parseArguments() {
	try {
		return parseArgs({
			options: {
				prefix: { type: "string", default: "/usr/local" },
				destdir: { type: "string", default: "" },
				node: { type: "string" },
				uninstall: { type: "boolean", default: false },
			},
		});
	} catch (error) {
		console.error(`install.mjs: ${/** @type {Error} */ (error).message}`);
		process.exit(2);
	}
}

/**
 * Where a path of the installed system is written.
 * @param {string} file
 */
function staged(file) {
	return given.destdir ? path.join(path.resolve(given.destdir), file) : file;
}

function install() {
	uninstall();
	const shebang = `#!${nodeCommand()}`;
	for (const directory of published()) installPackage(directory, shebang);
	for (const library of libraries()) installLibrary(library);
	installUnits();
	installDocuments();
	writeCodeCaches();
	fs.writeFileSync(
		staged(listFile),
		placed.map((name) => `${name}\n`).join(""),
	);
	console.log(`installed ${version} in ${staged(prefix)}`);
}

function uninstall() {
	if (!fs.existsSync(staged(listFile))) {
		if (!given.uninstall) return;
		console.error(`install.mjs: nothing is installed in ${staged(prefix)}`);
		process.exit(1);
	}
	const names = fs.readFileSync(staged(listFile), "utf8").split("\n");
	for (const name of names.filter(Boolean))
		removeWithParents(path.join(prefix, name));
	fs.rmSync(staged(library), { recursive: true });
	removeWithParents(library);
	if (given.uninstall) console.log(`removed from ${staged(prefix)}`);
}

/**
 * Removes a file, and the folders below the prefix that are empty then.
 * @param {string} file
 */
function removeWithParents(file) {
	fs.rmSync(staged(file), { force: true });
	let folder = path.dirname(file);
	for (; folder.startsWith(`${prefix}/`); folder = path.dirname(folder)) {
		if (!fs.existsSync(staged(folder))) continue;
		if (fs.readdirSync(staged(folder)).length > 0) return;
		fs.rmdirSync(staged(folder));
	}
}

/** The workspaces that users get: those with a bin that are not private. */
function published() {
	return fs
		.readdirSync(path.join(root, "packages"))
		.map((name) => path.join(root, "packages", name))
		.filter((directory) => {
			const manifest = readJson(path.join(directory, "package.json"));
			return manifest.bin && !manifest.private;
		});
}

/**
 * @param {string} directory
 * @param {string} shebang
 */
function installPackage(directory, shebang) {
	const manifest = readJson(path.join(directory, "package.json"));
	const home = path.join(library, "node_modules", manifest.name);
	fs.mkdirSync(staged(home), { recursive: true });
	for (const name of ["package.json", ...manifest.files])
		fs.cpSync(path.join(directory, name), staged(path.join(home, name)), {
			recursive: true,
			filter: (file) =>
				!/\/dist\/(man|completions)$/.test(file) &&
				!(given.node && file.endsWith(".cache")),
		});
	for (const [bin, file] of Object.entries(manifest.bin)) {
		const program = path.join(home, file);
		if (program.endsWith(".cjs")) setShebang(staged(program), shebang);
		link(path.join("bin", bin), program);
		document(path.join(directory, "dist"), bin);
	}
}

/**
 * @param {string} file
 * @param {string} shebang
 */
function setShebang(file, shebang) {
	const text = fs.readFileSync(file, "utf8");
	fs.writeFileSync(file, text.replace(/^#!.*/, shebang));
	fs.chmodSync(file, 0o755);
}

/**
 * The manual page and the completions of a program.
 * @param {string} dist
 * @param {string} bin
 */
function document(dist, bin) {
	const zsh = prefix === "/usr" ? "vendor-completions" : "site-functions";
	for (const [from, to] of [
		[`man/${bin}.8`, `share/man/man8/${bin}.8`],
		[`completions/${bin}.bash`, `share/bash-completion/completions/${bin}`],
		[`completions/_${bin}`, `share/zsh/${zsh}/_${bin}`],
		[`completions/${bin}.fish`, `share/fish/vendor_completions.d/${bin}.fish`],
	])
		if (fs.existsSync(path.join(dist, from)))
			place(to, fs.readFileSync(path.join(dist, from)));
}

/** The units name the programs in /usr/bin. */
function installUnits() {
	const units = "examples/systemd";
	for (const file of filesBelow(units))
		place(
			`lib/systemd/system/${path.relative(units, file)}`,
			fs
				.readFileSync(path.join(root, file), "utf8")
				.replaceAll("=/usr/bin/", `=${prefix}/bin/`),
		);
}

function installDocuments() {
	const names = ["README.md", "CHANGELOG.md", "LICENSE", "docs"].concat(
		["grafana", "kubernetes", "wireshark"].map((name) => `examples/${name}`),
	);
	const files = names.flatMap((name) =>
		fs.existsSync(path.join(root, name)) ? filesBelow(name) : [],
	);
	for (const file of files)
		place(`share/doc/sluice/${file}`, fs.readFileSync(path.join(root, file)));
}

/**
 * @param {string} name from the checkout's root on
 * @returns {string[]}
 */
function filesBelow(name) {
	if (!fs.statSync(path.join(root, name)).isDirectory()) return [name];
	return fs
		.readdirSync(path.join(root, name))
		.flatMap((one) => filesBelow(path.join(name, one)));
}

/**
 * @param {string} name from the prefix on
 * @param {string | Uint8Array} content
 */
function place(name, content) {
	const file = staged(path.join(prefix, name));
	fs.mkdirSync(path.dirname(file), { recursive: true });
	fs.writeFileSync(file, content, { mode: 0o644 });
	placed.push(name);
}

/**
 * @param {string} name from the prefix on
 * @param {string} target
 */
function link(name, target) {
	const file = path.join(prefix, name);
	fs.mkdirSync(path.dirname(staged(file)), { recursive: true });
	fs.rmSync(staged(file), { force: true });
	fs.symlinkSync(path.relative(path.dirname(file), target), staged(file));
	placed.push(name);
}

/**
 * The folders of the libraries that the programs load at run time, with what those load.
 * @returns {Set<string>}
 */
function libraries() {
	/** @type {Set<string>} */
	const found = new Set();
	/** @param {string} directory */
	const visit = (directory) => {
		const { dependencies, optionalDependencies } = readJson(
			path.join(directory, "package.json"),
		);
		const names = Object.keys({ ...dependencies, ...optionalDependencies });
		for (const name of names.filter((name) => !name.startsWith("@sluice/"))) {
			const folder = resolve(name, directory);
			if (!folder || found.has(folder)) continue;
			found.add(folder);
			visit(folder);
		}
	};
	published().forEach(visit);
	return found;
}

/**
 * The folder of a library as Node finds it, undefined where it is not made for this machine.
 * @param {string} name
 * @param {string} from
 */
function resolve(name, from) {
	return createRequire(path.join(from, "x"))
		.resolve.paths(name)
		?.map((modules) => path.join(modules, name))
		.find((folder) => fs.existsSync(path.join(folder, "package.json")));
}

/**
 * What is loaded or read at run time: neither sources and types nor the native code for another libc.
 * @param {string} folder
 */
function installLibrary(folder) {
	const to = path.join(library, path.relative(root, folder));
	const files = /** @type {string[]} */ (
		fs.readdirSync(folder, { recursive: true })
	).filter(
		(name) =>
			/\.([cm]?js|json|node)$|(^|\/)LICEN[CS]E[^/]*$/i.test(name) &&
			!/^(doc|examples|test|musl_x64|node_modules)\//.test(name),
	);
	for (const name of files) {
		const file = staged(path.join(to, name));
		fs.mkdirSync(path.dirname(file), { recursive: true });
		fs.copyFileSync(path.join(folder, name), file);
	}
}

/**
 * For the Node.js of this machine: what the build has is kept where it is the same one. A package that names another one
 * does it where it is installed.
 */
function writeCodeCaches() {
	const script = path.join(library, "code-cache.cjs");
	fs.copyFileSync(
		path.join(root, "packages/bundle/code-cache.cjs"),
		staged(script),
	);
	if (given.node) return;
	const node = suits("node") ? "node" : process.execPath;
	const programs = published().flatMap((directory) => {
		const { name, bin } = readJson(path.join(directory, "package.json"));
		return Object.values(bin)
			.filter((file) => file.endsWith(".cjs"))
			.map((file) => path.join(library, "node_modules", name, file));
	});
	for (const program of programs)
		execFileSync(node, [staged(script), staged(program)], { stdio: "ignore" });
}

/** What the programs' first lines name, and a copy of Node where the system's is too old. */
function nodeCommand() {
	if (given.node) return given.node;
	if (suits("node")) return "/usr/bin/env node";
	const copy = path.join(library, "node/bin/node");
	fs.mkdirSync(path.dirname(staged(copy)), { recursive: true });
	fs.copyFileSync(process.execPath, staged(copy));
	fs.chmodSync(staged(copy), 0o755);
	return copy;
}

/** @param {string} node */
function suits(node) {
	const [major, minor] = engines.node.match(/\d+/g).map(Number);
	// What is on PATH in this checkout alone is not there for the installed programs.
	const outside = (process.env.PATH ?? "")
		.split(":")
		.filter((folder) => !path.resolve(folder).startsWith(`${root}/`))
		.join(":");
	try {
		const found = execFileSync(node, ["--version"], {
			encoding: "utf8",
			env: { ...process.env, PATH: outside },
		});
		const [have = 0, haveMinor = 0] = (found.match(/\d+/g) ?? []).map(Number);
		return have > major || (have === major && haveMinor >= minor);
	} catch {
		return false;
	}
}

/** @param {string} file */
function readJson(file) {
	return JSON.parse(fs.readFileSync(file, "utf8"));
}
