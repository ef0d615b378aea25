/** How many of ascending numbers are at most `most`. */
export function behind(
	numbers: Readonly<ArrayLike<number>>,
	most: number,
): number {
	let [low, high] = [0, numbers.length];
	while (low < high) {
		const middle = (low + high) >> 1;
		if ((numbers[middle] as number) <= most) low = middle + 1;
		else high = middle;
	}
	return low;
}
