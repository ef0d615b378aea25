import { Failure, rankOfMany } from "@sluice/cli-kit";
import { type Binding, listingRank } from "../binding/binding.js";
import { BindingSet } from "../binding/binding-set.js";
import { labelsById } from "./bindings.js";
import type { Tables } from "./tables.js";

/** A reader takes no lock: a binding may come or go between its two readings. */
const ATTEMPTS = 5;

/** The bindings that `isMeant`, in the order of the listings. */
export function readBindings(
	{ packed, destinations }: Tables,
	isMeant: (binding: Binding) => boolean = () => true,
): BindingSet {
	for (let attempt = 1; ; attempt++) {
		const labels = labelsById(destinations);
		const bindings = new BindingSet();
		let unknown: number | undefined;
		packed.forEach((key, { id }) => {
			const label = labels.get(id)?.label;
			if (label === undefined) unknown = id;
			else if (isMeant({ label, key })) bindings.add({ label, key });
		}, rankOfMany(listingRank));
		if (unknown === undefined) return bindings;
		if (attempt === ATTEMPTS)
			throw new Failure(
				"failed",
				`a binding leads to destination ${unknown}, which does not exist`,
			);
	}
}
