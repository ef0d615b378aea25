// set-version.mjs <version>: sets the version of every workspace, and of those that they depend on.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [version] = process.argv.slice(2);
const root = join(import.meta.dirname, "..");
const { workspaces } = JSON.parse(
	readFileSync(join(root, "package.json"), "utf8"),
);
const folders = workspaces.flatMap((/** @type {string} */ workspace) =>
	workspace.endsWith("/*")
		? readdirSync(join(root, workspace.slice(0, -2))).map((name) =>
				join(workspace.slice(0, -2), name),
			)
		: [workspace],
);
for (const folder of ["", ...folders]) {
	const file = join(root, folder, "package.json");
	let text;
	try {
		text = readFileSync(file, "utf8");
	} catch {
		continue; // a folder of examples that is no workspace
	}
	writeFileSync(
		file,
		text
			.replace(/^(\t"version": ")[^"]*/m, `$1${version}`)
			.replace(/("@sluice\/[^"]+": ")[^"]*/g, `$1${version}`),
	);
}
