import type { Context } from "@sluice/cli-kit";
import { findPlace, netnsOf, type Place } from "../state/place.js";

/** Found once for all lines of a stream. */
const places = new WeakMap<Context, Place>();

/** The namespace whose dispatcher is meant: --netns, else that of this process. */
export function placeOf(context: Context): Place {
	const known = places.get(context);
	if (known) return known;
	const place = findPlace(netnsOf(context.options), context.bpffs);
	places.set(context, place);
	return place;
}

/** Says where the state is, beside the result: on stderr. */
export function announce({ env, json }: Context, text: string): void {
	if (!json) env.err(`${text}\n`);
}
