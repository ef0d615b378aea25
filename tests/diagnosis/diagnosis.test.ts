// Needs root: makes namespaces, attaches programs. The sessions of docs/diagnosis.md, typed.
import { readFileSync } from "node:fs";
import path from "node:path";
import { needs, testWith } from "@sluice/testbed";
import { PROXY, type Site, sharedSite } from "@sluice/testbed/site";
import test from "ava";

const serial = testWith(test.serial as typeof test, needs.root, needs.bpf);
const page = readFileSync(
	path.join(import.meta.dirname, "../../docs/diagnosis.md"),
	"utf8",
);

const shared = sharedSite(test);

type Side = "gateway" | "node";

interface Command {
	side: Side;
	line: string;
	/** Lines that it prints, among others. */
	prints: string[];
}

/** What a section's comments of a kind say, machine and command. */
const hidden = (section: string, kind: "break" | "mend") =>
	[
		...section.matchAll(
			new RegExp(`<!-- ${kind} (gateway|node): (.*) -->`, "g"),
		),
	].map(([, side, line = ""]) => ({ side: side as Side, line }));

/** What a section's sessions type, with the output that they show. */
function typed(section: string): Command[] {
	const commands: Command[] = [];
	for (const [, session = ""] of section.matchAll(/```\n(.*?)```/gs))
		for (const text of session.trimEnd().split("\n")) {
			const [, side, line] = /^(gateway|node)# (.*)$/.exec(text) ?? [];
			if (side && line) commands.push({ side: side as Side, line, prints: [] });
			else commands.at(-1)?.prints.push(text);
		}
	return commands;
}

/** Without what is another time's: numbers, and how far columns are apart. */
const plain = (text: string) =>
	text
		.replaceAll(/\d+(\.\d+)?/g, "N")
		.replaceAll(/\bpackets?\b/g, "packets")
		.replaceAll(/\s+/g, " ")
		.trim();

async function act(site: Site, { side, line }: { side: Side; line: string }) {
	if (line === "stop pinging") await site.stopPinging();
	else if (line === "start pinging") await site.ping();
	else await site[side].sh(line);
}

for (const section of page.split(/^## /m).slice(1)) {
	const [title = ""] = section.split("\n");
	serial(title, async (t) => {
		t.timeout(180_000);
		const site = await shared();
		t.true(await site.works(), "it works before");
		for (const what of hidden(section, "break")) await act(site, what);
		const asking = site.client.spawn("sh", [
			"-c",
			`while :; do curl -s --max-time 0.5 -o /dev/null http://${PROXY}/; sleep 0.1; done`,
		]);
		const commands = typed(section);
		t.true(commands.length > 0);
		try {
			for (const { side, line, prints } of commands) {
				const { stdout, stderr } = await site[side].sh(line, "", false);
				const printed = `${stdout}\n${stderr}`.split("\n").map(plain);
				t.log(`${side}# ${line}\n${stdout}\n${stderr}`);
				for (const expected of prints)
					t.true(
						printed.includes(plain(expected)),
						`${side}# ${line}: ${expected}\nnot in:\n${stdout}\n${stderr}`,
					);
			}
		} finally {
			await asking.stop();
			for (const what of hidden(section, "mend")) await act(site, what);
		}
		t.true(await site.works(), "it works again");
	});
}
