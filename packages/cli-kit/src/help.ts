import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Argv } from "yargs";
import {
	type AnyCommand,
	type Cli,
	commonOptions,
	type OptionSpec,
} from "./command.js";
import { formsOf, onlyCommand, typedVerb, usagesOf } from "./usage.js";
import { verbsOf } from "./vocabulary.js";

// Help is written by yargs, which takes long to load. The build writes it to files beside the program for the usual
// terminals, so that yargs is loaded for narrow ones alone, and where the program runs from its source.

/** Columns that the build writes help for. Help is never wider than the last: longer lines are hard to read. */
const WIDTHS = [80, 100] as const;

const fileOf = ({ name }: Cli, named: AnyCommand | undefined, width: number) =>
	`help/${width}/${named ? `${name}-${typedVerb(named)}` : name}.txt`;

/** What the build writes beside a program: texts by file. */
export async function helpFiles(cli: Cli): Promise<Record<string, string>> {
	const texts: Record<string, string> = {};
	const verbs = [...verbsOf(cli).values()].filter(typedVerb);
	for (const named of [undefined, ...verbs])
		for (const width of WIDTHS)
			texts[fileOf(cli, named, width)] = await render(cli, named, width);
	return texts;
}

/**
 * The help of a program, or of one of its commands.
 * @param named the command, where it has a word
 * @param columns of the terminal
 */
export async function helpText(
	cli: Cli,
	named: AnyCommand | undefined,
	columns: number,
): Promise<string> {
	const width = WIDTHS.findLast((one) => one <= columns);
	if (width === undefined) return render(cli, named, columns);
	const file = join(import.meta.dirname, fileOf(cli, named, width));
	return existsSync(file)
		? readFileSync(file, "utf8")
		: render(cli, named, width);
}

async function render(
	cli: Cli,
	named: AnyCommand | undefined,
	width: number,
): Promise<string> {
	const parser = (await bare()).scriptName(cli.name).wrap(width);
	const spec = named ?? onlyCommand(cli);
	if (named) describeCommand(parser, cli, named);
	else {
		parser.usage(`$0: ${cli.summary}`);
		for (const one of verbsOf(cli).values())
			for (const usage of usagesOf(one))
				parser.command(usage || "$0", one.summary);
		if (spec) describeArguments(parser, spec);
	}
	describeOptions(parser, {
		...spec?.options,
		...cli.options,
		...commonOptions,
	});
	for (const [line, does] of spec?.examples ?? [])
		parser.example(`${cli.name} ${line}`.trimEnd(), does);
	return `${(await parser.getHelp()).trimEnd()}\n`;
}

function describeCommand(parser: Argv, cli: Cli, spec: AnyCommand): void {
	const usages = usagesOf(spec).map((usage) => `${cli.name} ${usage}`);
	parser.usage(`${usages.join("\n")}\n\n${spec.summary}`);
	describeArguments(parser, spec);
}

function describeArguments(parser: Argv, spec: AnyCommand): void {
	const names = formsOf(spec)
		.flatMap(({ items }) => items.map(({ name }) => name))
		.filter((name) => name !== undefined);
	for (const name of new Set(names))
		parser
			.option(name, { describe: spec.positionals?.[name] ?? "" })
			.group(name, ARGUMENTS);
}

/** yargs writes those of a group of this name without dashes. */
const ARGUMENTS = "Arguments:";

function describeOptions(
	parser: Argv,
	options: Readonly<Record<string, OptionSpec>>,
): void {
	for (const [name, { type, describe, alias }] of Object.entries(options))
		parser.option(name, {
			...(type === "optional" ? {} : { type }),
			describe,
			...(alias ? { alias } : {}),
		});
}

/** Without the options that yargs adds. */
async function bare(): Promise<Argv> {
	const { default: yargs } = await import("yargs");
	return yargs([])
		.detectLocale(false)
		.help(false)
		.version(false)
		.exitProcess(false)
		.updateStrings({ "Positionals:": ARGUMENTS });
}
