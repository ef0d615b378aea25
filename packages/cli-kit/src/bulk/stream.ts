import type { Cli } from "../command.js";
import type { Context } from "../context.js";
import type { Env } from "../env.js";
import { explained } from "../explained.js";
import { badInput, Failure } from "../failure.js";
import { counted, oneLine, toJson } from "../output.js";
import { withoutMark } from "../text-file.js";
import { envOfLine, readCommand } from "./read-command.js";
import { StreamContext } from "./stream-context.js";

/** Lines at most that are carried out under one lock, and answered together. */
const BURST = 64;

/**
 * Carries out each line of standard input when it arrives, and answers it by one line. Lines that arrive together share
 * the lock, and their answers are written together; each is a change of its own.
 * A line that fails, or is too long, is answered, too; it does not end the stream. A line may begin with a tag, `@7 set …`, which its
 * answer repeats: `@7` and a tab before the text, `"tag":"7"` in the JSON document.
 *
 * @throws Failure failed, at the end, where a line has failed
 */
export async function stream(cli: Cli, outer: Context): Promise<void> {
	const context = new StreamContext(outer);
	const env = envOfLine(outer.env);
	let lines = 0;
	let failed = 0;
	for (const burst of burstsOf(outer.env)) {
		let answers = "";
		try {
			for (const line of burst) {
				lines++;
				const { tag, command } = untagged(line ?? "");
				const answered =
					line === undefined
						? refusal(tooLong, context)
						: await answer(cli, command, env, context);
				if (answered.isError) failed++;
				answers += `${tagged(answered.text, tag, context.json)}\n`;
			}
		} finally {
			context.endBurst();
			outer.env.out(answers);
		}
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
	cli: Cli,
	line: string,
	env: Env,
	context: StreamContext,
): Promise<Answer> {
	try {
		context.begin();
		const command = readCommand(cli, line, env, "stream");
		const running = command?.spec.run(command.parsed, context);
		if (running) await running;
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
		: `error\t${oneLine(hint ? `${message}; ${hint}` : message)}`;
	return { text, isError: true };
}

/** Characters of a line at most: memory for a line without an end is bounded. */
const LONGEST_LINE = 65_536;
const tooLong = badInput(
	`a line must not be longer than ${LONGEST_LINE} characters`,
);

type Line = string | undefined;

/** The lines of standard input that have arrived, up to `BURST` at once. */
function* burstsOf(env: Env): IterableIterator<readonly Line[]> {
	for (const lines of partsOf(env))
		for (let at = 0; at < lines.length; at += BURST)
			yield lines.slice(at, at + BURST);
}

/** The lines of each part of standard input; undefined for one that is too long. */
function* partsOf({ inputPart }: Env): IterableIterator<readonly Line[]> {
	let rest: Line = "";
	for (let first = true; ; first = false) {
		const part = inputPart?.();
		if (part === undefined) break;
		const lines: Line[] = (first ? withoutMark(part) : part).split("\n");
		lines[0] =
			rest === undefined ? undefined : limited(rest + (lines[0] as string));
		rest = lines.pop();
		yield lines;
	}
	if (rest !== "") yield [rest];
}

const limited = (line: string) =>
	line.length > LONGEST_LINE ? undefined : line;
