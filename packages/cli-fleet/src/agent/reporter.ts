import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "@sluice/cli-kit";

/** Milliseconds until a report that did not come through is put again. */
const AGAIN = 1000;

/** Puts reports one after the other, each as things are by then. */
export class Reporter {
	readonly #put: () => Promise<void>;
	#putting: Promise<void> | undefined;
	#isAsked = false;

	/** @param put writes the present report to the store; a `Failure`: it was not written */
	constructor(put: () => Promise<void>) {
		this.#put = put;
	}

	/** Reports as things are once the report before has come through. */
	report(): void {
		this.#isAsked = true;
		this.#putting ??= this.#putAll().finally(() => {
			this.#putting = undefined;
		});
	}

	async #putAll(): Promise<void> {
		while (this.#isAsked) {
			this.#isAsked = false;
			try {
				await this.#put();
			} catch (error) {
				if (!(error instanceof Failure)) throw error;
				// The next one, at the latest with the next beat.
				await sleep(AGAIN);
			}
		}
	}
}
