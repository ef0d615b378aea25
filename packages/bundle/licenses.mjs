import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Writes dist/LICENSES, with the license of each library that the bundles contain. Its terms ask for it wherever its code goes.
 * @param {Iterable<string>} inputs files of the bundles, relative to the working directory
 */
export function writeLicenses(inputs) {
	const folders = new Set();
	for (const input of inputs) {
		const folder = /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(input);
		if (folder) folders.add(folder[0]);
	}
	const texts = [...folders].sort().map((folder) => {
		const { name, version, license } = JSON.parse(
			readFileSync(join(folder, "package.json"), "utf8"),
		);
		const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
		const text = file ? readFileSync(join(folder, file), "utf8").trim() : "";
		return `${name} ${version}: ${license}\n\n${text}\n`;
	});
	if (texts.length > 0)
		writeFileSync("dist/LICENSES", texts.join(`\n${"-".repeat(72)}\n\n`));
}
