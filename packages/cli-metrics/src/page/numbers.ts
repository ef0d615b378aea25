const units = ["", "k", "M", "G", "T"];

/** "0", "0.5", "12", "1.2k", "34M": two digits at least, as far as there are. */
export function short(value: number): string {
	let unit = 0;
	let rest = value;
	while (rest >= 999.5 && unit < units.length - 1) {
		rest /= 1000;
		unit++;
	}
	const digits = rest < 9.95 && (unit > 0 || !Number.isInteger(rest)) ? 1 : 0;
	return `${rest.toFixed(digits)}${units[unit]}`;
}
