import type { Cli } from "../command.js";
import { type Choice, options, type Verb } from "./grammar.js";

/** A completion script for bash, 4.2 or later; it needs no other script. */
export function bashScript(cli: Cli, all: readonly Verb[]): string {
	const { name } = cli;
	const own = `_${name.replace(/\W/g, "_")}`;
	const words = all.map(({ word }) => word).filter(Boolean);
	return `# bash completion for ${name}

${own}() {
	local line=\${COMP_LINE:0:COMP_POINT} words=() word
	# bash splits words at : and =; here they are whole.
	for word in "\${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
		if ((\${#words[@]})) && [[ $line != [[:blank:]]* ]]; then
			words[-1]+=$word
		else
			words+=("$word")
		fi
		line=\${line#"\${line%%[![:blank:]]*}"}
		line=\${line#"$word"}
	done
	local cur=\${words[-1]} verb='' option='' place=0 plain='' i
	for ((i = 1; i < \${#words[@]} - 1; i++)); do
		word=\${words[i]}
		if [[ $option ]]; then
			option=''
		elif [[ $plain || $word != -* ]]; then
			if [[ ! $verb && $place == 0 ]]; then
				case $word in
				${words.join(" | ")})
					verb=$word
					continue
					;;
				esac
			fi
			((++place))
		else
			case $word in
			--) plain=1 ;;
			${pattern(withValue(all))}) option=$word ;;
			esac
		fi
	done
	if [[ ! $option && ! $plain && $cur == --*=* ]]; then
		option=\${cur%%=*}
		cur=\${cur#*=}
	fi

	local fixed='' lists='' files='' interfaces=''
	if [[ $option ]]; then
		case $option in
${indented(optionCases(all))}
		esac
	elif [[ ! $plain && $cur == -* ]]; then
		case $verb in
${indented(verbCases(cli, all))}
		esac
	else
		case "$verb $place" in
${indented(placeCases(all, words))}
		esac
	fi

	COMPREPLY=()
	local found=() list
	mapfile -t found < <(compgen -W "$fixed" -- "$cur")
	COMPREPLY+=("\${found[@]}")
	if [[ $interfaces ]]; then
		mapfile -t found < <(compgen -W "$(cd /sys/class/net && printf '%s\\n' *)" -- "$cur")
		COMPREPLY+=("\${found[@]}")
	fi
	for list in $lists; do
		mapfile -t found < <("\${words[0]}" --complete "$list" "$cur" "\${words[@]:1:\${#words[@]}-2}" 2>/dev/null)
		((\${#found[@]})) && mapfile -t found < <(printf '%q\\n' "\${found[@]}")
		COMPREPLY+=("\${found[@]}")
	done
	if [[ $files ]]; then
		compopt -o filenames
		mapfile -t found < <(compgen -f -- "$cur")
		COMPREPLY+=("\${found[@]}")
	fi
	# bash completes what is behind the last colon.
	[[ $cur == *:* && $COMP_WORDBREAKS == *:* ]] &&
		COMPREPLY=("\${COMPREPLY[@]#"\${cur%"\${cur##*:}"}"}")
	return 0
}

complete -F ${own} ${name}
`;
}

/** How options with a value are written. */
const withValue = (all: readonly Verb[]): string[] =>
	spellings(
		all.flatMap(({ options }) => options.filter(({ choice }) => choice)),
	);

const spellings = (
	list: readonly { name: string; alias?: string | undefined }[],
): string[] => [
	...new Set(
		list.flatMap(({ name, alias }) => [
			`--${name}`,
			...(alias ? [`-${alias}`] : []),
		]),
	),
];

const pattern = (words: readonly string[]) => words.join(" | ");

function optionCases(all: readonly Verb[]): string[] {
	const options = all.flatMap(({ options }) => options);
	const byName = new Map(options.map((option) => [option.name, option]));
	return [...byName.values()].flatMap((option) =>
		option.choice && sets(option.choice)
			? [`${pattern(spellings([option]))}) ${sets(option.choice)} ;;`]
			: [],
	);
}

function verbCases(cli: Cli, all: readonly Verb[]): string[] {
	const none = all.some(({ word }) => word === "")
		? []
		: [{ word: "", options: options(cli) }];
	return [...none, ...all].map(
		({ word, options }) =>
			`${word === "" ? "''" : word}) fixed='${spellings(options).join(" ")}' ;;`,
	);
}

const placeCases = (
	all: readonly Verb[],
	words: readonly string[],
): string[] => [
	...(all[0]?.word === "" && all[0].places.length > 0
		? []
		: [`' 0') fixed='${words.join(" ")}' ;;`]),
	...all.flatMap(({ word, places }) =>
		places.flatMap((choice, place) =>
			sets(choice) ? [`'${word} ${place}') ${sets(choice)} ;;`] : [],
		),
	),
];

/** What the script sets for a choice. */
const sets = ({ words, lists, file, interface: isInterface }: Choice): string =>
	[
		words.length > 0 ? `fixed='${words.join(" ")}'` : "",
		lists.length > 0 ? `lists='${lists.join(" ")}'` : "",
		file ? "files=1" : "",
		isInterface ? "interfaces=1" : "",
	]
		.filter(Boolean)
		.join(" ");

const indented = (lines: readonly string[]) =>
	lines.map((line) => `\t\t${line}`).join("\n");
