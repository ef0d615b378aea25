import { counted } from "@sluice/cli-kit";
import type { Examination } from "./examine.js";

// Lines that scripts rely on: a finding is its code and sentence, then "mend:" and a command, or "ask:" and a question.

export const lines = ({ checks, findings, skipped }: Examination): string[] => [
	...findings.flatMap(({ code, message, fix, question }) => [
		`${code}: ${message}`,
		...(fix === undefined ? [] : [`\tmend: ${fix}`]),
		...(question === undefined ? [] : [`\task: ${question}`]),
	]),
	...skipped.map(({ check, reason }) => `not looked at: ${check}: ${reason}`),
	`${counted(checks, "check")}, ${counted(findings.length, "finding")}${skipped.length > 0 ? `, ${skipped.length} not looked at` : ""}`,
];
