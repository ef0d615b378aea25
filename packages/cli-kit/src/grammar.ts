import yargs, { type Argv } from "yargs";
import {
	Args,
	type Command,
	type OptionSpec,
	onlyCommand,
	type Program,
} from "./command.js";
import { badInput } from "./failure.js";
import { commonOptions, type Line, positionalsOf } from "./line.js";

/** What yargs made of a command line: a command, or a text (help, version, completion) to print. */
export type Parsed = { line: Line } | { text: string };

/**
 * Parses a command line by yargs. Every positional and option stays a string until the command's own parser reads it.
 * @throws Failure usage
 */
export async function parse(
	program: Program,
	words: readonly string[],
): Promise<Parsed> {
	const chosen: { line?: Line } = {};
	const parser = grammar(scriptOnly(program, words), (line) => {
		chosen.line = line;
	});
	let text = "";
	await parser.parseAsync(
		[...words],
		(_error: unknown, _argv: unknown, printed: string) => {
			text += printed;
		},
	);
	return chosen.line ? { line: chosen.line } : { text: `${text.trimEnd()}\n` };
}

/** Once yargs has printed the completion script it would go on to a program's only command. */
const scriptOnly = (program: Program, words: readonly string[]): Program =>
	words[0] === "completion" && onlyCommand(program)
		? { ...program, commands: [] }
		: program;

/** The program's grammar as yargs has it. */
export function grammar(program: Program, choose: (line: Line) => void): Argv {
	const parser = yargs([])
		.scriptName(program.name)
		.usage(`$0: ${program.summary}`)
		.detectLocale(false)
		.parserConfiguration({
			"parse-numbers": false,
			"parse-positional-numbers": false,
			"boolean-negation": false,
			"dot-notation": false,
			"duplicate-arguments-array": false,
			"camel-case-expansion": false,
		})
		.version(program.version)
		.alias("h", "help")
		.completion("completion", "Print a completion script for the shell")
		.strict()
		.exitProcess(false)
		.updateStrings(wording)
		.fail((message, error) => {
			const text = lowerCase(message ?? error.message);
			throw badInput(text, `see "${program.name} --help"`);
		});
	if (!onlyCommand(program)) parser.demandCommand(1, "no command");
	const options = { ...commonOptions, ...program.options };
	for (const [name, option] of Object.entries(options))
		parser.option(name, asYargs(option));
	for (const spec of program.commands)
		parser.command(
			spec.usage,
			spec.summary,
			(builder) => describe(builder, spec, program),
			(values) => choose({ spec, values, args: new Args(values) }),
		);
	return parser;
}

// yargs's messages in this project's form.
const wording = {
	"Not enough non-option arguments: got %s, need at least %s": {
		one: "too few arguments: got %s, needs %s",
		other: "too few arguments: got %s, needs %s",
	},
	"Unknown argument: %s": {
		one: 'unknown argument "%s"',
		other: "unknown arguments %s",
	},
	// biome-ignore lint/suspicious/noExplicitAny: its types do not know of the plural forms
} as any;

const lowerCase = (message: string) =>
	`${message.charAt(0).toLowerCase()}${message.slice(1).split("\n", 1)[0]}`;

function describe(
	builder: Argv,
	spec: Command<unknown>,
	program: Program,
): Argv {
	for (const { name } of positionalsOf(spec.usage)) {
		const describe = spec.positionals?.[name];
		builder.positional(name, {
			type: "string",
			...(describe ? { describe } : {}),
		});
	}
	for (const [name, option] of Object.entries(spec.options ?? {}))
		builder.option(name, asYargs(option));
	for (const [line, does] of spec.examples ?? [])
		builder.example(`${program.name} ${line}`.trimEnd(), does);
	return builder;
}

const asYargs = ({ type, describe, alias }: OptionSpec) => ({
	type,
	describe,
	...(alias ? { alias } : {}),
	...(type === "string" ? { requiresArg: true } : {}),
});
