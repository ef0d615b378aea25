import { requireLater } from "./require.js";

type Koffi = typeof import("koffi");

/**
 * koffi's native part. Its JavaScript part finds out which of nineteen platforms this is and adds deprecated names: 6 of
 * the 8 ms of its start. It is loaded where the native part for this platform is not.
 */
const koffi: Koffi = native() ?? requireLater("koffi");

export default koffi;

function native(): Koffi | undefined {
	const platform = `${process.platform}-${process.arch}`;
	try {
		return requireLater(
			`@koromix/koffi-${platform}/${platform.replace("-", "_")}/koffi.node`,
		);
	} catch {
		return undefined;
	}
}
