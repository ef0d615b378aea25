import {
	type AnyCommand,
	type Cli,
	type Item,
	type OptionSpec,
	optionsOf,
	type Values,
	valuesOf,
} from "../command.js";
import { type Form, formsOf, ONLY, verbOf } from "../usage.js";

/** What one argument of a command line may be. */
export interface Choice {
	/** What it is called in usages. */
	name: string;
	/** These words. */
	words: readonly string[];
	file: boolean;
	interface: boolean;
	/** Names of value lists, which the program prints. */
	lists: readonly string[];
}

/** An option, with the choice of its value. */
export interface Option extends OptionSpec {
	name: string;
	/** Undefined: it takes no value. */
	choice: Choice | undefined;
}

/** A command as completion sees it. */
export interface Verb {
	/** Empty for the default command. */
	word: string;
	summary: string;
	options: readonly Option[];
	/** What may stand at each place. */
	places: readonly Choice[];
}

/** The commands of a program, the default command first. */
export function verbs(cli: Cli, commands: Iterable<AnyCommand>): Verb[] {
	const first = (spec: AnyCommand) => (verbOf(spec) === ONLY ? 0 : 1);
	return [...commands]
		.sort((a, b) => first(a) - first(b))
		.map((spec) => ({
			word: verbOf(spec) === ONLY ? "" : verbOf(spec),
			summary: spec.summary,
			options: options(cli, spec),
			places: places(cli, spec),
		}));
}

/** The options of a program where no command is named. */
export const options = (cli: Cli, spec?: AnyCommand): Option[] =>
	Object.entries(optionsOf(cli, spec))
		.filter(([name]) => name !== "version" || !spec || verbOf(spec) === ONLY)
		.map(([name, option]) => {
			const { type, value = name } = option;
			const choice =
				type === "string"
					? choiceOf(value, [], [[value, valuesOf(cli, value)]])
					: undefined;
			return { ...option, name, choice };
		});

function places(cli: Cli, spec: AnyCommand): Choice[] {
	const forms = formsOf(spec);
	const length = Math.max(...forms.map(({ items }) => items.length));
	return Array.from({ length }, (_, place) => {
		const items = forms.flatMap((form) => itemsAt(form, place));
		const names = items
			.map(({ name }) => name)
			.filter((name) => name !== undefined);
		return choiceOf(
			[...new Set(items.map(({ text }) => text.replace(/[[\]<>]/g, "")))].join(
				" or ",
			),
			items.flatMap(({ literals }) => literals),
			names.map((name) => [name, valuesOf(cli, name)]),
		);
	});
}

/** The arguments that may be at a place: those before one may be left out. */
const itemsAt = ({ items }: Form, place: number): Item[] =>
	items.filter((_, i) => {
		const before = items.slice(0, i);
		const least = before.filter(({ required }) => required).length;
		return least <= place && place <= i;
	});

function choiceOf(
	name: string,
	literals: readonly string[],
	values: readonly (readonly [name: string, Values | undefined])[],
): Choice {
	const is = (kind: Values) => values.some(([, one]) => one === kind);
	return {
		name,
		words: [
			...new Set([
				...literals,
				...values.flatMap(([, one]) => (Array.isArray(one) ? one : [])),
			]),
		],
		file: is("file"),
		interface: is("interface"),
		lists: values
			.filter(([, one]) => typeof one === "function")
			.map(([name]) => name),
	};
}
