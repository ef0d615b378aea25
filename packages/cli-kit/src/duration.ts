import { badInput } from "./failure.js";

/** Milliseconds of each unit. */
const units: Readonly<Record<string, number>> = {
	ns: 1e-6,
	us: 1e-3,
	µs: 1e-3,
	μs: 1e-3,
	ms: 1,
	s: 1000,
	m: 60_000,
	h: 3_600_000,
};

const DAY = 86_400_000;

/**
 * A time of a day at most: seconds, `30`, or as Go writes it, `30s`, `1m30s`, `500ms`.
 * @returns milliseconds
 * @throws Failure usage
 */
export function duration(name: string, text: string): number {
	const sum = millisecondsOf(text);
	if (sum <= DAY) return sum;
	throw badInput(
		`${name} must be a time of a day at most, such as 30, 30s or 1m30s, got "${text}"`,
	);
}

/** NaN where the text is no time. */
function millisecondsOf(text: string): number {
	if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
	if (!/^(\d+(\.\d+)?(ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return Number.NaN;
	let sum = 0;
	for (const [, number, unit] of text.matchAll(
		/(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|s|m|h)/g,
	))
		sum += Number(number) * (units[unit as string] as number);
	return sum;
}
