import type { Kernel } from "@sluice/cli-kit";

const MICROSECOND = 1000n;
const MILLISECOND = 1_000_000n;

/** Turns nanoseconds since boot into nanoseconds since 1970, by the clocks as they are now. */
export function unixTime({
	nanosecondsSinceBoot,
}: Pick<Kernel, "nanosecondsSinceBoot">): (time: bigint) => bigint {
	const booted =
		BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) *
			MICROSECOND -
		nanosecondsSinceBoot();
	return (time) => booted + time;
}

/** Local time of day with microseconds, "13:37:00.000123". @param time nanoseconds since 1970 */
export function clock(time: bigint): string {
	const date = new Date(Number(time / MILLISECOND));
	const [hours, minutes, seconds] = [
		date.getHours(),
		date.getMinutes(),
		date.getSeconds(),
	].map((part) => String(part).padStart(2, "0"));
	return `${hours}:${minutes}:${seconds}.${microseconds(time)}`;
}

/** "2026-11-21T13:37:00.000123Z". @param time nanoseconds since 1970 */
export const isoTime = (time: bigint) =>
	new Date(Number(time / MILLISECOND))
		.toISOString()
		.replace(/\.\d+Z$/, `.${microseconds(time)}Z`);

const microseconds = (time: bigint) =>
	String((time / MICROSECOND) % 1_000_000n).padStart(6, "0");
