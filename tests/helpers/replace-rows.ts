import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import type { ExecutionContext } from "ava";
import { ownDirectory } from "./own-directory.js";

/**
 * Replaces each row of a map by itself, again and again.
 *
 * @param sizes bytes of a key and of a value
 * @returns what ends it
 */
export async function replaceRows(
	t: ExecutionContext,
	map: number,
	sizes: readonly [number, number],
): Promise<() => Promise<void>> {
	const replacer = path.join(ownDirectory(t), "rewrite_rows");
	execFileSync("clang", [
		...["-O2", "-o", replacer],
		path.join(import.meta.dirname, "../packets/fixtures/rewrite_rows.c"),
	]);
	const child = spawn(replacer, sizes.map(String), {
		stdio: ["pipe", "pipe", "inherit", map],
	});
	await once(child.stdout as NodeJS.ReadableStream, "data");
	return async () => {
		const times = once(child.stdout as NodeJS.ReadableStream, "data");
		child.stdin?.end();
		t.true(Number(await times) > 100);
	};
}
