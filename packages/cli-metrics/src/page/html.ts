/** Text that is HTML already. */
export class Html {
	readonly text: string;

	constructor(text: string) {
		this.text = text;
	}

	toString(): string {
		return this.text;
	}
}

export type Part = Html | string | number | null | undefined | readonly Part[];

const entities: Readonly<Record<string, string>> = {
	"&": "&amp;",
	"<": "&lt;",
	">": "&gt;",
	'"': "&quot;",
	"'": "&#39;",
};

const escaped = (part: Part): string => {
	if (part instanceof Html) return part.text;
	if (Array.isArray(part)) return part.map(escaped).join("");
	return String(part ?? "").replace(/[&<>"']/g, (one) => entities[one] ?? "");
};

/** HTML of a template; inserted values are escaped, except Html. */
export const html = (
	strings: TemplateStringsArray,
	...parts: readonly Part[]
): Html =>
	new Html(
		strings.reduce((text, string, i) => text + escaped(parts[i - 1]) + string),
	);
