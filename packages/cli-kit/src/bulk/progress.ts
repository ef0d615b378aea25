import type { Env } from "../env.js";

/** Adds to what is done; `end` ends the line on the terminal. */
export interface Progress {
	(count: number): void;
	end(): void;
}

/** Shows progress on a terminal's stderr, from the first second on. */
export function progress(env: Env, what: string): Progress {
	if (!env.isErrTerminal) return Object.assign(() => {}, { end() {} });
	let next = Date.now() + 1000;
	let done = 0;
	let shown = false;
	const add = (count: number) => {
		done += count;
		if (Date.now() < next) return;
		next = Date.now() + 100;
		shown = true;
		env.err(`\r${done} ${what}`);
	};
	const end = () => {
		if (shown) env.err("\r\x1b[K");
	};
	return Object.assign(add, { end });
}
