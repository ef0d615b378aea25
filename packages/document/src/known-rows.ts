import { commonLength, isSame } from "./common-length.js";
import type { JsonList, JsonText } from "./json-text.js";
import { upperBound } from "./upper-bound.js";

/** Rows that need not be read again: a text has them in common with one whose lists are known. */
export class KnownRows {
	readonly #before: Buffer;
	readonly #lists: readonly JsonList[];
	readonly #text: Buffer;
	/** By how much offsets in the text are larger than before. */
	#shift = 0;
	/** Rows until the next comparison; after each in vain, twice as many. */
	#pause = 0;
	#nextPause = 1;

	constructor({ bytes, lists }: JsonText, text: Buffer) {
		this.#before = bytes;
		this.#lists = lists;
		this.#text = text;
	}

	/**
	 * Skips rows that both texts have.
	 * @param list number of the list
	 * @param at the list's opening bracket in the text, or a comma between its rows
	 * @param commas of the list, to which those of the rows are added
	 * @returns the last of those commas; `at`: there is no such row
	 */
	skip(list: number, at: number, commas: number[]): number {
		const known = this.#lists[list];
		if (!known || this.#pause-- > 0) return at;
		const { from, to } = known;
		const shifts =
			commas.length === 0
				? [at + 1 - from]
				: [this.#shift, this.#text.length - this.#before.length];
		for (const shift of shifts) {
			const start = at - shift;
			const first = upperBound(known.commas, start);
			if (start !== from - 1 && known.commas[first - 1] !== start) continue;
			const most = Math.min(to - start, this.#text.length - at);
			const length = commonLength(most, (from, to) =>
				isSame(this.#before, start + from, this.#text, at + from, to - from),
			);
			const end = upperBound(known.commas, start + length - 1);
			if (end <= first) continue;
			for (let i = first; i < end; i++)
				commas.push((known.commas[i] as number) + shift);
			this.#shift = shift;
			this.#pause = 0;
			this.#nextPause = 1;
			return commas.at(-1) as number;
		}
		this.#pause = this.#nextPause;
		this.#nextPause *= 2;
		return at;
	}
}
