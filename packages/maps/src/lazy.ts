import type koffi from "./koffi.js";

/**
 * Declares functions of a library, each at its first call: what a one-shot command does not use must not slow its
 * start.
 */
export const lazyIn =
	(library: ReturnType<typeof koffi.load>) =>
	// biome-ignore lint/suspicious/noExplicitAny: the prototype says the types
	(prototype: string): ((...args: any[]) => any) => {
		let bound: ReturnType<typeof library.func> | undefined;
		return (...args) => {
			bound ??= library.func(prototype);
			return bound(...args);
		};
	};
