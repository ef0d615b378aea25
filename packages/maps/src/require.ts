/**
 * Loads a library when it is first needed. A bundle is CommonJS and has its own `require`; node:module would load the
 * loader of ES modules.
 */
export const requireLater: NodeJS.Require =
	typeof require === "function"
		? require
		: process
				.getBuiltinModule("node:module")
				.createRequire(import.meta.filename);
