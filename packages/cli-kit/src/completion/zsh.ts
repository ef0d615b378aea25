import type { Cli } from "../command.js";
import { type Choice, type Option, options, type Verb } from "./grammar.js";

/** A completion script for zsh, to be found as _NAME in $fpath, or to be read by source. */
export function zshScript(cli: Cli, all: readonly Verb[]): string {
	const { name } = cli;
	const own = `_${name.replace(/\W/g, "_")}`;
	const only = all[0]?.word === "" ? all[0] : undefined;
	const choices = only?.places.length ? [only] : all;
	const args = (options: readonly Option[], places: readonly Choice[]) =>
		[
			...options.map((option) => optionArg(own, option)),
			...places.map(
				(choice, i) => `'${i + 1}:${text(choice.name)}:${action(own, choice)}'`,
			),
		].join(" \\\n\t\t\t");
	const first = only?.options ?? options(cli);
	return `#compdef ${name}

# Offers what may stand at a place: list=NAME stands for what the program prints.
${own}_any() {
	local kind
	local -a found
	local -i none=1
	for kind; do
		case $kind in
		file) _files && none=0 ;;
		interface) found=(/sys/class/net/*(N:t)) ;;
		list=*) found=(\${(f)"$("$program" --complete \${kind#list=} "\${(Q)PREFIX}" "\${before[@]}" 2>/dev/null)"}) ;;
		*) found=($kind) ;;
		esac
		((\${#found})) && compadd -a found && none=0
		found=()
	done
	return none
}

${own}() {
	local context state state_descr line program=\${(Q)words[1]}
	local -a before=("\${(@Q)words[2,CURRENT-1]}")
	local -A opt_args
${
	only?.places.length
		? `	_arguments -S \\
			${args(only.options, only.places)}`
		: `	local -a commands=(
${choices
	.filter(({ word }) => word)
	.map(
		({ word, summary }) =>
			`		'${word}:${text(summary).replaceAll("\\:", ":")}'`,
	)
	.join("\n")}
	)
	_arguments -C -S \\
			${args(first, [])} \\
			'1: :->verb' '*:: :->rest' && return
	case $state in
	verb) _describe -t commands command commands ;;
	rest)
		case $words[1] in
${choices
	.filter(({ word }) => word)
	.map(
		({ word, options, places }) =>
			`		${word})\n			_arguments -S \\\n			${args(options, places)} ;;`,
	)
	.join("\n")}
		esac
		;;
	esac`
}
}

if [[ $funcstack[1] == _${name} ]]; then
	${own} "$@"
else
	compdef ${own} ${name}
fi
`;
}

function optionArg(own: string, option: Option): string {
	const { name, alias, describe, choice } = option;
	const about = `[${text(describe)}]${choice ? `:${text(choice.name)}:${action(own, choice)}` : ""}`;
	return alias
		? `'(-${alias} --${name})'{-${alias},--${name}}'${about}'`
		: `'--${name}${choice ? "=" : ""}${about}'`;
}

/** What offers the words of a choice; a space in front: it is called as it stands. */
function action(own: string, choice: Choice): string {
	const kinds = [
		...choice.words,
		...choice.lists.map((list) => `list=${list}`),
		...(choice.interface ? ["interface"] : []),
		...(choice.file ? ["file"] : []),
	];
	return kinds.length > 0 ? ` ${own}_any ${kinds.join(" ")}` : " ";
}

/** Text within a single-quoted specification. */
const text = (plain: string) =>
	plain.replace(/[[\]:\\]/g, "\\$&").replaceAll("'", "'\\''");
