import {
	type AnyCommand,
	type Cli,
	commonOptions,
	type OptionSpec,
} from "../command.js";
import { usagesOf, valueText } from "../usage.js";

/** The section for system administration commands. */
export const SECTION = 8;

/** A program's manual page in roff (man macros), from the same words as --help. */
export function manPage(cli: Cli, date: string): string {
	const { name, summary, version, commands } = cli;
	const examples = commands.flatMap((spec) => spec.examples ?? []);
	return [
		`.TH ${[name.toUpperCase(), SECTION, date, `Sluice ${version}`, "Sluice"].map((word) => quoted(String(word))).join(" ")}`,
		".SH NAME",
		`${text(name)} \\- ${text(summary)}`,
		".SH SYNOPSIS",
		...commands
			.flatMap(usagesOf)
			.flatMap((usage, i) => [
				...(i > 0 ? [".br"] : []),
				`.B ${text(`${name} ${usage}`.trimEnd())}`,
			]),
		...(commands.length === 1 && commands[0]
			? [".SH DESCRIPTION", ...details(commands[0])]
			: [
					".SH COMMANDS",
					...commands.flatMap((spec) => [
						...usagesOf(spec).map((usage) => `.SS ${quoted(text(usage))}`),
						...details(spec),
					]),
				]),
		".SH OPTIONS",
		...options({ ...cli.options, ...commonOptions }),
		...(examples.length > 0
			? [
					".SH EXAMPLES",
					...examples.flatMap(([line, does]) => [
						".TP",
						`.B ${text(`${name} ${line}`.trimEnd())}`,
						text(does || "\u2014"),
					]),
				]
			: []),
		".SH EXIT STATUS",
		...exitStatus.flatMap(([code, means]) => [
			".TP",
			`.B ${code}`,
			text(means),
		]),
		".SH ENVIRONMENT",
		".TP",
		".B TC_BPF_MNT",
		text("The bpffs, as iproute2 has it, where --bpffs is not given."),
		"",
	].join("\n");
}

const exitStatus = [
	["0", "done"],
	["1", "failed: the message says what and where"],
	["2", "bad usage or bad input, nothing was changed"],
	["3", "no such entry"],
	["4", "the environment cannot: no rights, no bpffs, no tables, no libbpf"],
] as const;

function details(spec: AnyCommand): string[] {
	const positionals = Object.entries(spec.positionals ?? {});
	return [
		text(`${spec.summary}.`),
		...positionals.flatMap(([name, describe]) => [
			".TP",
			`.I ${text(name)}`,
			text(describe),
		]),
		...options(spec.options ?? {}),
	];
}

const options = (list: Readonly<Record<string, OptionSpec>>): string[] =>
	Object.entries(list).flatMap(([name, option]) => [
		".TP",
		`.B ${text([...(option.alias ? [`-${option.alias}`] : []), `--${name}`].join(", "))}${valueText(option, `\\fI${text(option.value ?? name)}\\fR`)}`,
		text(option.describe),
	]);

/** Text as roff takes it: a backslash is written \e, a hyphen that is typed \-, and no line begins with a control. */
const text = (plain: string): string =>
	plain
		.replaceAll("\\", "\\e")
		.replaceAll("-", "\\-")
		.replaceAll("\u2014", "\\(em")
		.replace(/\s*\n\s*/g, " ")
		.replace(/^(?=[.'])/, "\\&");

/** One argument of a macro. */
const quoted = (word: string) => `"${word.replaceAll('"', "\\(dq")}"`;
