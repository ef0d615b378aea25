import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";

export interface CompileOptions {
	/** Macros, as `-D` has them. */
	define?: Readonly<Record<string, string | number>>;
	/** Directories in the include path, before bpf/. */
	include?: readonly string[];
}

let directory: string | undefined;
const done = new Map<string, string>();

/**
 * Compiles a C file for BPF, with bpf/ in its include path. The object is deleted with this process.
 * @returns the object's path, the same one for the same source and options
 */
export function compileBpf(
	source: string,
	{ define = {}, include = [] }: CompileOptions = {},
): string {
	const macros = Object.entries(define).map(
		([name, value]) => `-D${name}=${value}`,
	);
	const directories = [...include, includes()].flatMap((one) => ["-I", one]);
	const what = [source, ...macros, ...include].join(" ");
	const known = done.get(what);
	if (known) return known;
	const object = path.join(ownDirectory(), `${done.size}.o`);
	const host = process.arch === "arm64" ? "aarch64" : "x86_64";
	execFileSync("clang", [
		...["-target", "bpf", "-mcpu=v3", "-O2", "-g", "-std=gnu11"],
		...[...directories, "-idirafter", `/usr/include/${host}-linux-gnu`],
		...[...macros, "-c", source, "-o", object],
	]);
	done.set(what, object);
	return object;
}

/**
 * An object with every table of the tunnel programs, with room for 1024 tunnels and services and pinned by name as theirs
 * are, and a program to write events with: quicker to load than the real ones.
 */
export const tunnelTables = (): string =>
	compileBpf(path.join(import.meta.dirname, "tunnel-tables.bpf.c"), {
		define: { TABLE_ENTRIES: 1024 },
	});

const includes = () =>
	path.dirname(
		createRequire(import.meta.url).resolve("@sluice/bpf/package.json"),
	);

function ownDirectory(): string {
	if (!directory) {
		const made = mkdtempSync(path.join(tmpdir(), "sluice-bpf-"));
		process.once("exit", () => rmSync(made, { recursive: true }));
		directory = made;
	}
	return directory;
}
