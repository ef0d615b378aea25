import { type Args, badInput } from "@sluice/cli-kit";
import { type Direction, directions } from "@sluice/maps/tables";

export const hookPositionals = {
	interface: "Name of an interface",
	direction: "ingress or egress",
};

/** The first two words of a command about a hook. @throws Failure usage */
export function hookOf(args: Args): { device: string; direction: Direction } {
	const word = args.text("direction");
	const direction = directions.find((one) => one === word);
	if (!direction)
		throw badInput(`the direction must be ingress or egress, got "${word}"`);
	return { device: args.text("interface"), direction };
}

/** @throws Failure usage */
export function programIdsOf(words: readonly string[]): number[] {
	return words.map((word) => {
		if (!/^[1-9]\d{0,9}$/.test(word))
			throw badInput(`a program id must be a positive integer, got "${word}"`);
		return Number(word);
	});
}

export const entriesText = (count: number) =>
	count === 1 ? "1 entry" : `${count} entries`;
