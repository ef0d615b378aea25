#!/usr/bin/env node
// code-cache.cjs <dist/program.cjs> [<bpffs> <word>…]
//
// Writes V8's code cache beside a program, for the Node.js that runs this, which must be the one that runs the program
// (another one compiles, as without a cache). Runs a command line of it, and adds what this compiles to a cache that is
// there. Where none is given, the last one of "typical" under "sluice" in its package.json is run in a bpffs that is
// none: what it compiles until it refuses is most of what its commands need. Exit code: 0 written.
const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

const [file = "", bpffs = "/", ...given] = process.argv.slice(2);
const program = path.resolve(file);
const { sluice } = require(path.join(program, "../../package.json"));
const words =
	given.length > 0
		? given
		: (sluice?.typical?.at(-1) ?? "--version").split(" ");
const [, name] = /"\/(.*\.cache)"/.exec(fs.readFileSync(program, "utf8")) ?? [];

/** @type {vm.Script} */
let script;
vm.Script = class extends vm.Script {
	/** @type {ConstructorParameters<typeof vm.Script>} */
	constructor(code, options) {
		super(code, options);
		script = this;
	}
};
process.on("exit", () => {
	process.exitCode = 0;
	const cache = path.join(program, "..", name);
	fs.writeFileSync(`${cache}.new`, script.createCachedData());
	fs.renameSync(`${cache}.new`, cache);
});
process.argv = [process.execPath, program, ...words, "--bpffs", bpffs];
require(program);
