#!/usr/bin/env node
// Writes generated/*_pb.ts: the messages and services of etcd's API, from the protos in the npm package etcd3, which is
// used for them alone. Nothing is downloaded.

import { execFileSync } from "node:child_process";
import {
	mkdirSync,
	mkdtempSync,
	readFileSync,
	renameSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const here = import.meta.dirname;
const require = createRequire(import.meta.url);
const protos = path.join(
	path.dirname(require.resolve("etcd3/package.json")),
	"proto",
);
const generated = path.join(here, "generated");

// Built beside its place and moved there, since build and lint may run at the same time.
const work = mkdtempSync(path.join(here, "generated-"));
try {
	mkdirSync(path.join(work, "in"));
	for (const name of ["rpc", "kv", "auth"]) {
		const text = readFileSync(path.join(protos, `${name}.proto`), "utf8");
		writeFileSync(path.join(work, "in", `${name}.proto`), adapted(text));
	}
	execFileSync(
		process.execPath,
		[
			require.resolve("@bufbuild/buf/bin/buf"),
			"generate",
			path.join(work, "in"),
			"--template",
			path.join(here, "buf.gen.yaml"),
			"--output",
			path.join(work, "out"),
		],
		{ stdio: "inherit" },
	);
	rmSync(generated, { recursive: true, force: true });
	renameSync(path.join(work, "out"), generated);
} finally {
	rmSync(work, { recursive: true, force: true });
}

/**
 * Imports are by name for buf; the options of etcd's JSON gateway refer to a proto that the package leaves out. Rows stay
 * bytes, which are the same on the wire: see src/etcd/key-value.ts.
 * @param {string} text
 */
function adapted(text) {
	return text
		.replace(/^import "\.\//gm, 'import "')
		.replace(
			/repeated mvccpb\.(KeyValue|Event) (kvs|events) =/g,
			"repeated bytes $2 =",
		)
		.replace(/option \(google\.api\.http\) = \{(?:[^{}]|\{[^{}]*\})*\};?/g, "");
}
