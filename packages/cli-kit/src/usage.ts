import {
	type AnyCommand,
	type Cli,
	type Command,
	type Item,
	type OptionSpec,
	valuesOf,
} from "./command.js";

// The syntax of usages, as manual pages have it:
//   set               the command's own word
//   <id>              an argument
//   all               a keyword, typed literally
//   <id>|all          one argument that may also be that word
//   [<id>]            may be left out; arguments behind it need not
//   --all             an option that this way to call it needs
//   <word>...         one or more; [<word>...] any number
// Alternatives of more than one argument are usages of their own.

/** One way to call a command. */
export interface Form {
	/** Without the command's word. */
	text: string;
	items: readonly Item[];
	/** The smallest and the largest number of words that it takes. */
	least: number;
	most: number;
	/** Which arguments a number of words are, by that number. */
	assigned: (readonly Item[])[];
}

/** The `$0` of a program that does one thing only. */
export const ONLY = "$0";

const known = new WeakMap<AnyCommand, Form[]>();

/** The ways to call a command. */
export function formsOf(spec: AnyCommand): readonly Form[] {
	let forms = known.get(spec);
	if (!forms) {
		forms = [spec.usage].flat().map(readForm);
		known.set(spec, forms);
	}
	return forms;
}

function readForm(usage: string): Form {
	const [, ...words] = usage.split(" ");
	const items = words.filter((word) => !word.startsWith("--")).map(readItem);
	return {
		text: words.join(" "),
		items,
		least: items.filter(({ required }) => required).length,
		most: items.some(({ variadic }) => variadic)
			? Number.POSITIVE_INFINITY
			: items.length,
		assigned: [],
	};
}

/** @throws Error: the usage is not in the syntax above */
function readItem(text: string): Item {
	if (!/^(\[[^[\]]+\]|[^[\]]+)$/.test(text) || /[^>.]\.\./.test(text))
		throw new Error(`not an argument of a usage: ${text}`);
	const words = text.replace(/^\[|\]$|\.\.\.\]?$/g, "").split("|");
	const name = words.find((word) => word.startsWith("<"))?.slice(1, -1);
	return {
		text,
		name,
		literals: words.filter((word) => !word.startsWith("<")),
		required: !text.startsWith("["),
		variadic: /\.\.\.\]?$/.test(text),
	};
}

/**
 * Which argument each of so many words is. Arguments that may be left out are there, from the left, as far as there are
 * more words than arguments that must be there.
 *
 * @param count a number of words that the form takes
 */
export function assign(form: Form, count: number): readonly Item[] {
	let assigned = form.assigned[count];
	if (!assigned) {
		let spare = count - form.least;
		assigned = form.items.filter(({ required }) => required || spare-- > 0);
		form.assigned[count] = assigned;
	}
	return assigned;
}

/** The word that a command is called by. */
export function verbOf({ usage }: Pick<Command<unknown>, "usage">): string {
	const first = typeof usage === "string" ? usage : (usage[0] as string);
	const end = first.indexOf(" ");
	return end < 0 ? first : first.slice(0, end);
}

/** The command of a program that does one thing only. */
export const onlyCommand = ({ commands }: Pick<Cli, "commands">) =>
	commands.find((spec) => verbOf(spec) === ONLY);

/** The word, as it is typed: nothing for that of a program's only command. */
export const typedVerb = (spec: AnyCommand): string =>
	verbOf(spec) === ONLY ? "" : verbOf(spec);

/** Whether one of a command's arguments or options is a secret. */
export function takesSecret(cli: Cli, spec: AnyCommand): boolean {
	const names = [
		...formsOf(spec).flatMap(({ items }) => items.map(({ name }) => name)),
		...Object.values(spec.options ?? {}).map(({ value }) => value),
	];
	return names.some(
		(name) => name !== undefined && valuesOf(cli, name) === "secret",
	);
}

/** Each way to call a command, without the program's name: "get all", "get <service-id> <group-id>". */
export const usagesOf = (spec: AnyCommand): string[] =>
	formsOf(spec).map(({ text }) => [typedVerb(spec), text].join(" ").trim());

/** What stands behind an option's name, with the name of its value. */
export const valueText = ({ type }: OptionSpec, value: string): string =>
	({ boolean: "", string: ` ${value}`, optional: `[=${value}]` })[type];

/** The whole usage of a command: every way to call it, with its own options. */
export function usageLine(cli: Cli, spec: AnyCommand): string {
	const usages = usagesOf(spec)
		.map((usage) => `${cli.name} ${usage}`.trim())
		.join(" | ");
	const options = Object.entries(spec.options ?? {})
		.filter(([name]) => !usages.includes(` --${name}`))
		.map(
			([name, option]) =>
				` [--${name}${valueText(option, `<${option.value ?? name}>`)}]`,
		);
	return usages.concat(...options);
}
