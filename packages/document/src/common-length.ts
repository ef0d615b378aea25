/** Bytes that are compared at once. */
const BLOCK = 1 << 16;

/** The length of the common prefix, at most `most`: blocks are compared, then ever smaller ones. */
export function commonLength(
	most: number,
	isSame: (from: number, to: number) => boolean,
): number {
	let length = 0;
	for (let size = BLOCK; size >= 1; )
		if (length + size <= most && isSame(length, length + size)) length += size;
		else size >>= 1;
	return length;
}

/** Whether so many bytes of two buffers are the same. */
export const isSame = (
	a: Buffer,
	aAt: number,
	b: Buffer,
	bAt: number,
	length: number,
): boolean => a.compare(b, bAt, bAt + length, aAt, aAt + length) === 0;
