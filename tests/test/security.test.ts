import { readFileSync } from "node:fs";
import path from "node:path";
import test from "ava";

const root = path.join(import.meta.dirname, "../..");
const [, page = ""] =
	/\n## Threats, by mode\n(.*?)\n## /s.exec(
		readFileSync(path.join(root, "SECURITY.md"), "utf8"),
	) ?? [];

/** The tests that the table cites: `1. `file`: "title", "title"; `file`: "title"`. */
const cited = new Map(
	[...page.matchAll(/^(\d+)\. (`(?:.|\n {2,})*)/gm)].map(
		([, number = "", text = ""]) => [
			number,
			text
				.split(/;\s+(?=`)/)
				.map((one) => /^`([^`]+)`:\s+(.*)$/s.exec(one) ?? [])
				.map(([, file = "", titles = ""]) => ({
					file,
					titles: [...titles.matchAll(/"([^"]+)"/g)].map(([, title]) =>
						`${title}`.replaceAll(/\s+/g, " "),
					),
				})),
		],
	),
);

/** The cells of the table by what the attacker does, without the names of modes and attackers. */
const cells = [...page.matchAll(/^\|([^|]+)\|([^|]+)\|([^|]+)\|([^|]+)\|$/gm)]
	.slice(2)
	.filter(([, what = ""]) => !what.includes("**"))
	.flatMap(([, what = "", ...modes]) =>
		modes.map((text) => ({ what: what.trim(), text: text.trim() })),
	);

const numbers = (text: string) =>
	[...text.matchAll(/\((\d+(?:, \d+)*)\)/g)].flatMap(([, list = ""]) =>
		list.split(", "),
	);

test("SECURITY.md cites tests that exist", (t) => {
	t.true(cited.size > 0);
	for (const [number, tests] of cited)
		for (const { file, titles } of tests) {
			const source = readFileSync(path.join(root, file), "utf8");
			t.true(titles.length > 0, number);
			for (const title of titles)
				t.true(source.includes(title), `${number}. ${file}: ${title}`);
		}
});

test("Each cell of SECURITY.md's table has a test, or is as another one", (t) => {
	t.is(cells.length, 3 * (3 * 5 + 4));
	for (const { what, text } of cells)
		t.true(
			numbers(text).length > 0 || /^as (keys|signed)$/.test(text),
			`${what}: ${text}`,
		);
	const used = new Set(cells.flatMap(({ text }) => numbers(text)));
	t.deepEqual([...used].sort(), [...cited.keys()].sort());
});
