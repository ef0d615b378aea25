import { type Codec, u8, u32 } from "../codec.js";

/** The two hooks of an interface, by their number in the maps and on the command line. */
export const directions = ["ingress", "egress"] as const;
export type Direction = (typeof directions)[number];

/** 0 ingress, 1 egress. */
export const directionIndex = (direction: Direction) =>
	direction === "ingress" ? 0 : 1;

/** A direction as `enum queue` of bpf/tunnel/tables.h, in a number of some width. */
const directionIn = (number: Codec<number>): Codec<Direction> => ({
	size: number.size,
	read: (buffer, at) => (number.read(buffer, at) === 0 ? "ingress" : "egress"),
	write: (buffer, at, value) => number.write(buffer, at, directionIndex(value)),
});
export const direction8 = directionIn(u8);
export const direction32 = directionIn(u32);

/** Bits of a row's flags: `enum rx_flag` and `enum tx_flag` in bpf/tunnel/tables.h. */
export const flagNames: Readonly<
	Record<Direction, Readonly<Record<string, number>>>
> = {
	ingress: {
		gue: 1,
		dnat: 2,
		dump: 8,
		"open-ping": 32,
		fast: 64,
		local: 128,
		peer: 256,
	},
	egress: { proxy: 1, snat: 2, dump: 8, fib: 16, peer: 32 },
};

/** 3 → ["gue", "dnat"] at ingress; bits without a name are left out. */
export const flagWords = (direction: Direction, flags: number): string[] =>
	Object.entries(flagNames[direction])
		.filter(([, bit]) => (flags & bit) !== 0)
		.map(([word]) => word);
