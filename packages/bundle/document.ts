import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Cli } from "@sluice/cli-kit";
import {
	completionScript,
	helpFiles,
	manPage,
	SECTION,
	verbsOf,
} from "@sluice/cli-kit/docs";

/** Writes manual page, completion scripts and help of each program that a package's src/cli.ts exports. */
export async function writeDocuments(folder: string): Promise<void> {
	const module: Record<string, Cli> = await import(
		pathToFileURL(join(folder, "src/cli.ts")).href
	);
	for (const cli of Object.values(module)) {
		const { name } = cli;
		const commands = [...verbsOf(cli).values()];
		const texts = {
			[`man/${name}.${SECTION}`]: manPage(cli, today()),
			[`completions/${name}.bash`]: completionScript(cli, commands, "bash"),
			[`completions/_${name}`]: completionScript(cli, commands, "zsh"),
			[`completions/${name}.fish`]: completionScript(cli, commands, "fish"),
			...(await helpFiles(cli)),
		};
		for (const [file, text] of Object.entries(texts)) {
			const path = join(folder, "dist", file);
			mkdirSync(dirname(path), { recursive: true });
			writeFileSync(path, text);
		}
	}
}

/** The date of the build: of the source, where the builder says so. */
function today(): string {
	const { SOURCE_DATE_EPOCH } = process.env;
	const date = SOURCE_DATE_EPOCH
		? new Date(1000 * Number(SOURCE_DATE_EPOCH))
		: new Date();
	return date.toISOString().slice(0, 10);
}
