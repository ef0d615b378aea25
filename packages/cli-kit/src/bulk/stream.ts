import type { Program } from "../command.js";
import type { Context } from "../context.js";
import type { Env } from "../env.js";
import { explained } from "../explained.js";
import { badInput, Failure } from "../failure.js";
import { counted, toJson } from "../output.js";
import { withoutMark } from "../text-file.js";
import { envOfLine, readCommand } from "./read-command.js";
import { StreamContext } from "./stream-context.js";

/**
 * Carries out each line of standard input when it arrives, and answers it by one line before it reads the next.
 * A line that fails, or is too long, is answered, too; it does not end the stream. A line may begin with a tag, `@7 set …`, which its
 * answer repeats: `@7` and a tab before the text, `"tag":"7"` in the JSON document.
 *
 * @throws Failure failed, at the end, where a line has failed
 */
export async function stream(program: Program, outer: Context): Promise<void> {
	const context = new StreamContext(outer);
	const env = envOfLine(outer.env);
	let lines = 0;
	let failed = 0;
	for (const line of linesOf(outer.env)) {
		lines++;
		const { tag, command } = untagged(line ?? "");
		const answered =
			line === undefined
				? refusal(tooLong, context)
				: await answer(program, command, env, context);
		const { isError } = answered;
		const text = tagged(answered.text, tag, context.json);
		if (isError) failed++;
		outer.env.out(`${text}\n`);
	}
	if (failed > 0)
		throw new Failure(
			"failed",
			`${failed} of ${counted(lines, "line")} failed`,
		);
}

/** "@7 set 1 …" → "7", "set 1 …". */
function untagged(line: string): { tag: string | undefined; command: string } {
	if (!line.startsWith("@")) return { tag: undefined, command: line };
	const end = line.indexOf(" ");
	return end < 0
		? { tag: line.slice(1), command: "" }
		: { tag: line.slice(1, end), command: line.slice(end + 1) };
}

function tagged(text: string, tag: string | undefined, json: boolean): string {
	if (tag === undefined) return text;
	if (!json) return `@${tag}\t${text}`;
	const rest = text === "{}" ? "}" : `,${text.slice(1)}`;
	return `{"tag":${JSON.stringify(tag)}${rest}`;
}

type Answer = { text: string; isError: boolean };

async function answer(
	program: Program,
	line: string,
	env: Env,
	context: StreamContext,
): Promise<Answer> {
	try {
		context.begin();
		const command = readCommand(program, line, env, "stream");
		await command?.spec.run(command.parsed, context);
		return { text: context.end(), isError: false };
	} catch (error) {
		const failure = explained(error);
		if (!failure) throw error;
		return refusal(failure, context);
	}
}

function refusal(
	{ code, message, hint }: Pick<Failure, "code" | "message" | "hint">,
	{ json }: Context,
): Answer {
	const text = json
		? toJson({ error: { code, message, hint } })
		: `error\t${message}${hint ? `; ${hint}` : ""}`;
	return { text, isError: true };
}

/** Characters of a line at most: what has no end is not kept. */
const LONGEST_LINE = 65_536;
const tooLong = badInput(
	`a line must not be longer than ${LONGEST_LINE} characters`,
);

/** The lines of standard input, each as soon as it is there; undefined for one that is too long, of which nothing is kept. */
function* linesOf({ inputPart }: Env): IterableIterator<string | undefined> {
	let rest: string | undefined = "";
	for (let first = true; ; first = false) {
		const part = inputPart?.();
		if (part === undefined) break;
		const lines: (string | undefined)[] = (
			first ? withoutMark(part) : part
		).split("\n");
		lines[0] =
			rest === undefined ? undefined : limited(rest + (lines[0] as string));
		rest = lines.pop();
		yield* lines;
	}
	if (rest !== "") yield rest;
}

const limited = (line: string) =>
	line.length > LONGEST_LINE ? undefined : line;
