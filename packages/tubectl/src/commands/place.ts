import type { Context } from "@sluice/cli-kit";
import { findPlace, type Place } from "../state/place.js";

/** The namespace whose dispatcher is meant: --netns, else our own. */
export const placeOf = ({ options, bpffs }: Context): Place =>
	findPlace(
		(options.netns as string | undefined) ?? "/proc/self/ns/net",
		bpffs,
	);

/** Says where the state is, beside the result: on stderr. */
export function announce({ env, json }: Context, text: string): void {
	if (!json) env.err(`${text}\n`);
}
