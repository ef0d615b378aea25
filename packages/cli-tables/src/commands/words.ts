import { badInput } from "@sluice/cli-kit";

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
