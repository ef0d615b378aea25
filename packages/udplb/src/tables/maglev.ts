/** Something that slots are dealt out to. */
export interface Candidate {
	/** What it is known by: the same name gets nearly the same slots in every table of one size. */
	name: string;
	/** Slots in proportion to the others' weights; at least 1. */
	weight: number;
}

/** Primes below 480, 960, 1920 … 480 · 2¹²: each step fills whole chunks of slots. */
const SIZES = [
	479, 953, 1913, 3833, 7673, 15_359, 30_713, 61_417, 122_869, 245_759, 491_503,
	982_981, 1_966_079,
];

/**
 * Slots for each candidate. The more there are, the evener the shares and the fewer flows move without need; a
 * configuration of many keys makes do with less, for the sake of memory.
 */
const RICH = { each: 700, enough: 15_000 };
const LEAN = { each: 95, enough: 1900 };
const LEAST = 16;

/** Slots that all tables of a rich configuration may have together: 32 MiB. */
const RICH_LIMIT = 8 * 1024 * 1024;

/** How many slots the table of each key has, from how many candidates each has. One candidate needs no choice. */
export function tableSizes(candidates: readonly number[]): number[] {
	const rich = candidates.map((count) => size(count, RICH));
	if (rich.reduce((sum, slots) => sum + slots, 0) <= RICH_LIMIT) return rich;
	return candidates.map((count) => size(count, LEAN));
}

function size(candidates: number, { each, enough }: typeof RICH): number {
	if (candidates === 1) return 1;
	const wanted = Math.max(
		Math.min(candidates * each, enough),
		candidates * LEAST,
	);
	return SIZES.find((slots) => slots >= wanted) ?? (SIZES.at(-1) as number);
}

/**
 * Whether a table of `present` slots may stay where `wanted` would be made anew: another size deals out every slot
 * again, so a key that grows or shrinks a little keeps its own.
 */
export function suits(
	present: number,
	wanted: number,
	candidates: number,
): boolean {
	if (present === 1 || wanted === 1) return present === wanted;
	return present >= (candidates * LEAST) / 2 && present <= 8 * wanted;
}

/**
 * Deals out slots as Google's Maglev does: every candidate has an order of its own in which it wants the slots, by a
 * hash of its name, and in turn takes the first that is free; turns come as often as weights say. Shares differ by a
 * slot or two, and when a candidate goes the others keep nearly all they had.
 *
 * @param size a prime, as of `tableSizes`
 * @returns for each slot, the index of its candidate
 */
export function deal(
	candidates: readonly Candidate[],
	size: number,
): Uint32Array {
	const slots = new Uint32Array(size);
	if (size === 1) return slots;
	const count = candidates.length;
	const next = new Uint32Array(count);
	const step = new Uint32Array(count);
	const share = new Float64Array(count);
	const due = new Float64Array(count);
	const heaviest = candidates.reduce(
		(most, { weight }) => Math.max(most, weight),
		1,
	);
	for (const [i, { name, weight }] of candidates.entries()) {
		next[i] = hash(name, 0x9747b28c) % size;
		step[i] = 1 + (hash(name, 0x3c6ef372) % (size - 1));
		share[i] = weight / heaviest;
	}
	const free = new Uint8Array(size).fill(1);
	for (let left = size; left > 0; ) {
		for (let i = 0; i < count && left > 0; i++) {
			due[i] = (due[i] as number) + (share[i] as number);
			if ((due[i] as number) < 1) continue;
			due[i] = (due[i] as number) - 1;
			let slot = next[i] as number;
			while (free[slot] === 0) {
				slot += step[i] as number;
				if (slot >= size) slot -= size;
			}
			free[slot] = 0;
			slots[slot] = i;
			next[i] = slot;
			left--;
		}
	}
	return slots;
}

/** MurmurHash3's rounds over UTF-16 units, to 32 bits. */
function hash(text: string, seed: number): number {
	let h = seed;
	for (let i = 0; i < text.length; i++) {
		let k = Math.imul(text.charCodeAt(i), 0xcc9e2d51);
		k = (k << 15) | (k >>> 17);
		h ^= Math.imul(k, 0x1b873593);
		h = (h << 13) | (h >>> 19);
		h = (Math.imul(h, 5) + 0xe6546b64) | 0;
	}
	h ^= text.length;
	h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
	h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
	return (h ^ (h >>> 16)) >>> 0;
}
