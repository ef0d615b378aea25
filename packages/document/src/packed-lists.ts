import type { JsonList } from "./json-text.js";

const WORD = 4;

/** Lists as bytes: the length of the rest of the head, the head in JSON with the number of each list's commas, the commas. */
export function packLists(lists: readonly JsonList[]): Buffer[] {
	const head = Buffer.from(
		JSON.stringify(
			lists.map(({ name, from, to, commas }) => [
				name,
				from,
				to,
				commas.length,
			]),
		),
	);
	const length = Buffer.alloc(WORD);
	length.writeUInt32LE(head.length);
	const commas = lists.map(({ commas }) =>
		Buffer.from(Uint32Array.from(commas).buffer),
	);
	return [length, head, ...commas];
}

/** What `packLists` has packed. */
export function unpackLists(bytes: Buffer): JsonList[] {
	const head = WORD + bytes.readUInt32LE(0);
	let at = head;
	const lists = JSON.parse(bytes.toString("utf8", WORD, head)) as [
		name: string,
		from: number,
		to: number,
		count: number,
	][];
	return lists.map(([name, from, to, count]) => {
		const commas = new Uint32Array(count);
		const size = count * WORD;
		Buffer.from(commas.buffer).set(bytes.subarray(at, at + size));
		at += size;
		return { name, from, to, commas };
	});
}
