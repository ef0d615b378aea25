/** The two hooks of an interface, by their number in the maps and on the command line. */
export const directions = ["ingress", "egress"] as const;
export type Direction = (typeof directions)[number];
export const queues = { ingress: 0, egress: 1 } as const;

/** Bits of a row's flags, by queue: `enum rx_flag` and `enum tx_flag` in bpf/tunnel/tables.h. */
export const flagNames: readonly Readonly<Record<string, number>>[] = [
	{
		gue: 1,
		dnat: 2,
		dump: 8,
		"open-ping": 32,
		fast: 64,
		local: 128,
		peer: 256,
	},
	{ proxy: 1, snat: 2, dump: 8, fib: 16, peer: 32 },
];

/** 3 → ["gue", "dnat"] at ingress; bits without a name are left out. */
export const flagWords = (queue: number, flags: number): string[] =>
	Object.entries(flagNames[queue] ?? {})
		.filter(([, bit]) => (flags & bit) !== 0)
		.map(([word]) => word);
