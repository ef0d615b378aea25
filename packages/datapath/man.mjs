// The manual page of an attach script, made from the comment at its top, which --help prints, too.

/**
 * @param {string} script the script's text
 * @param {string} version
 * @returns {string} roff, man macros
 */
export function manPage(script, version) {
	const [usage = "", first = "", ...rest] = header(script).split("\n\n");
	const [name = ""] = usage.split(" ");
	const summary = first.replace(/\s+/g, " ").split(/[:.] /)[0] ?? "";
	return [
		`.TH ${name.toUpperCase()} 8 "" "Sluice ${version}" "Sluice"`,
		".SH NAME",
		`${text(name)} \\- ${text(summary.charAt(0).toLowerCase() + summary.slice(1))}`,
		".SH SYNOPSIS",
		`.B ${text(usage)}`,
		".SH DESCRIPTION",
		text(first),
		...rest.flatMap(paragraph),
		".SH SEE ALSO",
		text("cli_cfg(8), cli_tunnel(8), cli_service(8), cli_doctor(8), tc(8)"),
		"",
	].join("\n");
}

/**
 * The comment from the second line on.
 * @param {string} script
 */
function header(script) {
	const lines = script.split("\n").slice(1);
	return lines
		.slice(
			0,
			lines.findIndex((line) => !line.startsWith("#")),
		)
		.map((line) => line.replace(/^# ?/, ""))
		.join("\n")
		.trim();
}

/**
 * A paragraph of text, a list of options or variables, or a section that begins with its name.
 * @param {string} lines
 * @returns {string[]}
 */
function paragraph(lines) {
	if (lines.startsWith("Environment\n"))
		return [".SH ENVIRONMENT", ...list(lines.slice("Environment\n".length))];
	if (lines.startsWith("Exit code: "))
		return [".SH EXIT STATUS", text(lines.slice("Exit code: ".length))];
	return lines.startsWith("  ") ? list(lines) : [".PP", text(lines)];
}

/** @param {string} lines */
const list = (lines) =>
	lines.split("\n").flatMap((line) => {
		const [, word = "", meaning = ""] = line.match(/^ *(\S+) +(.*)$/) ?? [];
		return [".TP", `.B ${text(word)}`, text(meaning)];
	});

/** @param {string} plain */
const text = (plain) =>
	plain
		.replaceAll("\\", "\\e")
		.replaceAll("-", "\\-")
		.replace(/\s*\n\s*/g, " ")
		.replace(/^(?=[.'])/, "\\&");
