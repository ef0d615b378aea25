/** A list at the top of a JSON document, by offsets in its bytes. */
export interface JsonList {
	/** As it is written, without the quotes. */
	name: string;
	/** Behind the opening bracket. */
	from: number;
	/** Of the closing one. */
	to: number;
	/** Of the commas between its rows, ascending. */
	commas: Readonly<ArrayLike<number>>;
}

/** A text that is valid JSON. */
export interface JsonText {
	/** In UTF-8. */
	bytes: Buffer;
	/** At its top. */
	lists: readonly JsonList[];
}
