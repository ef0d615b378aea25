import { badInput } from "@sluice/cli-kit";

/** Milliseconds of each unit. */
const units: Record<string, number> = {
	ns: 1e-6,
	us: 1e-3,
	µs: 1e-3,
	μs: 1e-3,
	ms: 1,
	s: 1000,
	m: 60_000,
	h: 3_600_000,
};

/** A time as Go writes it, `30s`, `1m30s`, `500ms`, in milliseconds. */
export function duration(name: string, text: string): number {
	if (!/^(\d+(\.\d+)?(ns|us|µs|μs|ms|s|m|h))+$/.test(text))
		throw badInput(
			`${name} must be a duration such as 30s or 1m30s, got "${text}"`,
		);
	let sum = 0;
	for (const [, number, unit] of text.matchAll(
		/(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|s|m|h)/g,
	))
		sum += Number(number) * (units[unit as string] as number);
	return sum;
}

/** Seconds, whole or not, with or without the `s`, in milliseconds. */
export function seconds(name: string, text: string): number {
	if (!/^\d{1,6}(\.\d+)?s?$/.test(text))
		throw badInput(`${name} must be a number of seconds, got "${text}"`);
	return Number.parseFloat(text) * 1000;
}
