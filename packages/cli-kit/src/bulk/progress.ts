import type { Env } from "../env.js";

/** Counts what is done, and ends the line that tells of it. */
export interface Progress {
	(count: number): void;
	end(): void;
}

/** Tells a person on stderr how far something is, once it has taken longer than a second. */
export function progress(env: Env, what: string): Progress {
	if (!env.isErrTerminal) return Object.assign(() => {}, { end() {} });
	let next = Date.now() + 1000;
	let done = 0;
	let shown = false;
	const told = (count: number) => {
		done += count;
		if (Date.now() < next) return;
		next = Date.now() + 100;
		shown = true;
		env.err(`\r${done} ${what}`);
	};
	const end = () => {
		if (shown) env.err("\r\x1b[K");
	};
	return Object.assign(told, { end });
}
