/** `TC_ACT_…` of linux/pkt_cls.h. */
const names: Readonly<Record<number, string>> = {
	[-1]: "UNSPEC",
	0: "OK",
	1: "RECLASSIFY",
	2: "SHOT",
	3: "PIPE",
	4: "STOLEN",
	7: "REDIRECT",
};

/** What the kernel does with a packet. */
export interface Verdict {
	number: number;
	name: string;
}

/** @param returned the program's return value, unsigned */
export function verdictOf(returned: number): Verdict {
	const number = returned | 0;
	return { number, name: names[number] ?? String(number) };
}

/** "the next filter decides". */
export const verdictText: Readonly<Record<string, string>> = {
	UNSPEC: "the next filter decides",
	OK: "it goes on, past the filters behind",
	SHOT: "it ends here",
	REDIRECT: "the program sends it by an interface",
};
