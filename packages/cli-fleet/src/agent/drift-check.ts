import { type Context, Failure } from "@sluice/cli-kit";
import { isDrifted } from "@sluice/machine";
import { BpfError } from "@sluice/maps";

/** Milliseconds for which an answer is good: all rows are read for it. */
const GOOD = 10_000;

/** Whether other programs have changed rows since the last apply. */
export class DriftCheck {
	readonly #context: Context;
	#at = Number.NEGATIVE_INFINITY;
	#is = false;
	#after = 0;

	constructor(context: Context) {
		this.#context = context;
	}

	/** @param lastApply when rows were applied last, after which an older answer is no longer good */
	hasDrifted(lastApply: number): boolean {
		const now = performance.now();
		if (now - this.#at < GOOD && this.#after === lastApply) return this.#is;
		this.#is = this.#look();
		this.#at = now;
		this.#after = lastApply;
		return this.#is;
	}

	#look(): boolean {
		try {
			return isDrifted(this.#context) === true;
		} catch (error) {
			// The tables may be replaced just now.
			if (error instanceof Failure || error instanceof BpfError) return false;
			throw error;
		}
	}
}
