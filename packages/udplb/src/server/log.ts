import { type Env, toJson, writeAll } from "@sluice/cli-kit";

const STDOUT = 1;

/** The log on stderr, in the form of its ancestor: `INFO[0001] text`, seconds since the start. */
export interface Log {
	info(text: string): void;
	error(text: string): void;
	/** One decision: with --json a line of it on stdout. */
	decision(text: () => string, document: () => unknown): void;
}

export function makeLog(env: Env, json: boolean): Log {
	const start = performance.now();
	const line = (level: string, text: string) => {
		const seconds = Math.floor((performance.now() - start) / 1000);
		env.err(
			json
				? `${toJson({ level: level.toLowerCase(), seconds, message: text })}\n`
				: `${level}[${String(seconds).padStart(4, "0")}] ${text}\n`,
		);
	};
	return {
		info: (text) => line("INFO", text),
		error: (text) => line("ERRO", text),
		decision(text, document) {
			if (json) writeDecision(`${toJson(document())}\n`);
			else line("DEBU", text());
		},
	};
}

/** Forwarding continues if the reader of the decisions is gone or the disk is full. */
function writeDecision(text: string): void {
	try {
		writeAll(STDOUT, Buffer.from(text), () => {});
	} catch {
		// As for the log itself.
	}
}
