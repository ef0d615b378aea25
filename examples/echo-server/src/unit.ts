import { readFileSync } from "node:fs";

/** As much of a systemd service as is carried out here. */
export interface Unit {
	/** Settings of [Service] by name, each with its values in order. */
	get(name: string): string[];
}

/** Reads a unit file, systemd.syntax(7). */
export function readUnit(path: string): Unit {
	const settings: [string, string][] = [];
	let section = "";
	const text = readFileSync(path, "utf8").replaceAll("\\\n", " ");
	for (const line of text.split("\n").map((one) => one.trim())) {
		if (line === "" || /^[#;]/.test(line)) continue;
		if (line.startsWith("[")) section = line;
		else if (section === "[Service]") {
			const at = line.indexOf("=");
			settings.push([line.slice(0, at).trim(), line.slice(at + 1).trim()]);
		}
	}
	return {
		get: (wanted) =>
			settings.filter(([name]) => name === wanted).map(([, value]) => value),
	};
}

/** A command line as words, its $VARIABLES replaced. Prefixes that change rights (+, !, -) are taken off. */
export const commandOf = (
	line: string,
	variables: Readonly<Record<string, string | undefined>>,
): [file: string, ...args: string[]] =>
	line
		.replace(/^[-+!@:]+/, "")
		.split(/\s+/)
		.map((word) =>
			word.replace(
				/\$\{?([A-Z_]+)\}?/g,
				(_, name: string) => variables[name] ?? "",
			),
		) as [string, ...string[]];
