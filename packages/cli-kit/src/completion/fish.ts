import type { Cli } from "../command.js";
import { type Choice, type Option, options, type Verb } from "./grammar.js";

/** A completion script for fish. */
export function fishScript(cli: Cli, all: readonly Verb[]): string {
	const { name } = cli;
	const own = `__${name.replace(/\W/g, "_")}`;
	const words = all.map(({ word }) => word).filter(Boolean);
	const takeValue = [
		...new Set(
			all.flatMap(({ options }) =>
				options.flatMap(({ name, alias, choice }) =>
					choice ? [`--${name}`, ...(alias ? [`-${alias}`] : [])] : [],
				),
			),
		),
	];
	const isOnly = all[0]?.word === "";
	const line = (when: string, rest: string) =>
		`complete -c ${name} -n '${own}_at ${when}' ${rest}`;
	return `# fish completion for ${name}

# Whether the cursor stands behind a command (- for none), at a place (any where none is given).
function ${own}_at
	set -l verb -
	set -l place 0
	set -l skip 0
	for word in (commandline -opc)[2..-1]
		if test $skip = 1
			set skip 0
		else if contains -- $word ${takeValue.join(" ")}
			set skip 1
		else if string match -qr -- '^-' $word
			continue
		else if test $verb = - -a $place = 0; and contains -- $word ${words.join(" ")}
			set verb $word
		else
			set place (math $place + 1)
		end
	end
	test $verb = $argv[1]; and begin
		test (count $argv) = 1; or test $place = $argv[2]
	end
end

# What the program prints for the word at the cursor.
function ${own}_list
	set -l words (commandline -opc)
	$words[1] --complete $argv[1] (commandline -ct) $words[2..-1] 2>/dev/null
end

complete -c ${name} -f
${[
	...(isOnly && all[0]?.places.length
		? []
		: all
				.filter(({ word }) => word)
				.map(({ word, summary }) =>
					line("- 0", `-a ${word} -d ${quoted(summary)}`),
				)),
	...(isOnly
		? []
		: options(cli).map((option) => line("-", optionText(own, option)))),
	...all.flatMap((verb) => verbLines(own, verb, line)),
].join("\n")}
`;
}

function verbLines(
	own: string,
	{ word, options, places }: Verb,
	line: (when: string, rest: string) => string,
): string[] {
	const verb = word === "" ? "-" : word;
	return [
		...options.map((option) => line(verb, optionText(own, option))),
		...places.flatMap((choice, place) => {
			const text = choiceText(own, choice);
			return text ? [line(`${verb} ${place}`, text)] : [];
		}),
	];
}

function optionText(
	own: string,
	{ name, alias, describe, choice }: Option,
): string {
	const value = choice ? ` -r ${choiceText(own, choice)}`.trimEnd() : "";
	return `${alias ? `-s ${alias} ` : ""}-l ${name}${value} -d ${quoted(describe)}`;
}

function choiceText(
	own: string,
	{ words, lists, file, interface: isInterface }: Choice,
): string {
	const offered = [
		...words,
		...lists.map((list) => `(${own}_list ${list})`),
		...(isInterface ? ["(ls /sys/class/net)"] : []),
	].join(" ");
	return [file ? "-F" : "", offered ? `-a '${offered}'` : ""]
		.filter(Boolean)
		.join(" ");
}

/** In single quotes, as fish reads them. */
const quoted = (text: string) =>
	`'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
