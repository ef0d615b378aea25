import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import test from "ava";

const root = path.join(import.meta.dirname, "../..");

/** Packages for building and testing, which the picture leaves out. */
const TOOLS = ["bundle", "datapath", "testbed"];

/** The lines of the picture in docs/ARCHITECTURE.md, the highest first. */
function layers(): string[][] {
	const page = readFileSync(path.join(root, "docs/ARCHITECTURE.md"), "utf8");
	const [, picture = ""] = /```\n(programs .*?)\n\s+│/s.exec(page) ?? [];
	return picture
		.replaceAll(/\n {2,}/g, " ")
		.split("\n")
		.map((line) => line.split(/ +/).slice(1));
}

/** The packages of this repository that a package's sources import. */
function imports(name: string): Set<string> {
	const found = new Set<string>();
	const sources = path.join(root, "packages", name, "src");
	const files = existsSync(sources)
		? readdirSync(sources, { recursive: true, encoding: "utf8" })
		: [];
	for (const file of files.filter((one) => one.endsWith(".ts")))
		for (const [, imported = ""] of readFileSync(
			path.join(sources, file),
			"utf8",
		).matchAll(/\b(?:from |import\()"@sluice\/([a-z-]+)/g))
			found.add(imported);
	return found;
}

test("docs/ARCHITECTURE.md has each package on one line of its picture", (t) => {
	t.deepEqual(
		[...layers().flat(), ...TOOLS].sort(),
		readdirSync(path.join(root, "packages")).sort(),
	);
});

test("A package imports from lines of that picture below its own, and declares what it imports", (t) => {
	const all = layers();
	for (const [line, names] of all.entries())
		for (const name of names) {
			const below = all.slice(line + 1).flat();
			const manifest = JSON.parse(
				readFileSync(path.join(root, `packages/${name}/package.json`), "utf8"),
			);
			const declared = Object.keys({
				...manifest.dependencies,
				...manifest.devDependencies,
			});
			for (const imported of imports(name)) {
				t.true(below.includes(imported), `${name} imports ${imported}`);
				t.true(
					declared.includes(`@sluice/${imported}`),
					`${name}'s package.json lacks ${imported}`,
				);
			}
		}
});

test("a bundle comes with the licenses of the libraries in it", (t) => {
	const file = path.join(root, "packages/cli-doctor/dist/LICENSES");
	const text = readFileSync(file, "utf8");
	t.regex(text, /^execa [\d.]+: MIT\n\nMIT License\n/m);
});
