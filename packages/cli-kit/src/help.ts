import type { Argv } from "yargs";
import {
	type AnyCommand,
	commonOptions,
	type OptionSpec,
	type Program,
} from "./command.js";
import { formsOf, onlyCommand, usagesOf } from "./usage.js";
import { verbsOf } from "./vocabulary.js";

// What a person reads is written by yargs: help, and the word that a mistyped one is like. It is loaded for these alone.

/**
 * The help of a program, or of one of its commands.
 * @param width columns of the terminal
 */
export async function helpText(
	program: Program,
	named: AnyCommand | undefined,
	width: number,
): Promise<string> {
	const parser = (await bare()).scriptName(program.name).wrap(width);
	const spec = named ?? onlyCommand(program);
	if (named) describeCommand(parser, program, named);
	else {
		parser.usage(`$0: ${program.summary}`);
		for (const one of verbsOf(program).values())
			for (const usage of usagesOf(one))
				parser.command(usage || "$0", one.summary);
		if (spec) describeArguments(parser, spec);
	}
	describeOptions(parser, {
		...spec?.options,
		...program.options,
		...commonOptions,
	});
	for (const [line, does] of spec?.examples ?? [])
		parser.example(`${program.name} ${line}`.trimEnd(), does);
	return `${(await parser.getHelp()).trimEnd()}\n`;
}

function describeCommand(
	parser: Argv,
	program: Program,
	spec: AnyCommand,
): void {
	const usages = usagesOf(spec).map((usage) => `${program.name} ${usage}`);
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
		parser.option(name, { type, describe, ...(alias ? { alias } : {}) });
}

/** Without what yargs adds by itself. */
async function bare(words: readonly string[] = []): Promise<Argv> {
	const { default: yargs } = await import("yargs");
	return yargs([...words])
		.detectLocale(false)
		.help(false)
		.version(false)
		.exitProcess(false)
		.updateStrings({ "Positionals:": ARGUMENTS, "Did you mean %s?": "%s" });
}

/** The one of some words that is spelt most like a mistyped one, which begins with no dash. */
export async function nearestWord(
	typed: string,
	words: readonly string[],
): Promise<string | undefined> {
	let nearest: string | undefined;
	const parser = (await bare([typed])).recommendCommands().fail((message) => {
		nearest ??= message;
	});
	for (const word of words) parser.command(word, false, () => {});
	await parser.parseAsync();
	// yargs goes by the number of letters alone: to it, "xyz" is "size".
	const isLike = nearest?.[0] === typed[0] || nearest?.at(-1) === typed.at(-1);
	return isLike ? nearest : undefined;
}
