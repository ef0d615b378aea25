import { copyFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/**
 * Copies objects of the package bpf to dist/bpf/, where the bundle beside it finds them.
 * @param {readonly string[]} objects file names
 */
export function copyObjects(objects) {
	if (objects.length === 0) return;
	const bpf = dirname(
		createRequire(`${process.cwd()}/`).resolve("@sluice/bpf/package.json"),
	);
	mkdirSync("dist/bpf", { recursive: true });
	for (const object of objects)
		copyFileSync(join(bpf, "dist", object), join("dist/bpf", object));
}
