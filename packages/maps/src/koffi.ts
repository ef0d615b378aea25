type Koffi = typeof import("koffi");

/** A bundle is CommonJS and has its own; node:module would load the loader of ES modules. */
const load: NodeJS.Require =
	typeof require === "function"
		? require
		: process
				.getBuiltinModule("node:module")
				.createRequire(import.meta.filename);

/**
 * koffi's native part. Its JavaScript part finds out which of nineteen platforms this is and adds deprecated names: 6 of
 * the 8 ms of its start. It is loaded where the native part for this platform is not.
 */
const koffi: Koffi = native() ?? load("koffi");

export default koffi;

function native(): Koffi | undefined {
	const platform = `${process.platform}-${process.arch}`;
	try {
		return load(
			`@koromix/koffi-${platform}/${platform.replace("-", "_")}/koffi.node`,
		);
	} catch {
		return undefined;
	}
}
