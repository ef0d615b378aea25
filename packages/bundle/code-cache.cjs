#!/usr/bin/env node
// code-cache.cjs <dist/program.cjs>
//
// Writes V8's code cache beside a program, for the Node.js that runs this, which must be the one that runs the program
// (another one compiles, as without a cache). Runs the program once in a bpffs that is none: what it compiles until it
// refuses is most of what its commands need. The words of the command line are "typical" under "sluice" in its
// package.json. Exit code: 0 written.
const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

const program = path.resolve(process.argv[2] ?? "");
const { sluice } = require(path.join(program, "../../package.json"));
const words = sluice?.typical ?? ["--version"];
const [, name] = /"\/(.*\.cache)"/.exec(fs.readFileSync(program, "utf8")) ?? [];

/** @type {vm.Script} */
let script;
vm.Script = class extends vm.Script {
	/** @type {ConstructorParameters<typeof vm.Script>} */
	constructor(code, options) {
		super(code, { ...options, cachedData: undefined });
		script = this;
	}
};
process.on("exit", () => {
	process.exitCode = 0;
	const cache = path.join(program, "..", name);
	fs.writeFileSync(`${cache}.new`, script.createCachedData());
	fs.renameSync(`${cache}.new`, cache);
});
process.argv = [process.execPath, program, ...words, "--bpffs", "/"];
require(program);
