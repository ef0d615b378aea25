/** The number of ascending numbers that are at most `most`: the place behind the last of them. */
export function upperBound(
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
