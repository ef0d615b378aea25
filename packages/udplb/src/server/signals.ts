import { early } from "./early.js";

type Event = "stop" | "reload" | "refresh";

/** The next action. Signals that arrive meanwhile are queued, each kind once; stopping comes first. */
export class Signals {
	readonly #waiting = new Set<Event>();
	#wake = () => {};

	constructor() {
		for (const signal of ["SIGINT", "SIGTERM"] as const)
			process.on(signal, () => this.#add("stop"));
		process.on("SIGHUP", () => this.#add("reload"));
		if (early.hangup) this.#add("reload");
	}

	/** Whether the end was requested. */
	get stopped(): boolean {
		return this.#waiting.has("stop");
	}

	/** Waits for the next event. @param pause milliseconds after which it is a refresh */
	async next(pause: number): Promise<Event> {
		const timer = setTimeout(() => this.#add("refresh"), pause);
		while (this.#waiting.size === 0)
			await new Promise<void>((resolve) => {
				this.#wake = resolve;
			});
		clearTimeout(timer);
		for (const event of ["stop", "reload", "refresh"] as const) {
			if (!this.#waiting.has(event)) continue;
			// The end stays requested.
			if (event !== "stop") this.#waiting.delete(event);
			return event;
		}
		throw new Error("woken without an event");
	}

	/** Waits until the end is requested, or for so many milliseconds. */
	async pause(milliseconds: number): Promise<void> {
		const end = performance.now() + milliseconds;
		while (!this.stopped && performance.now() < end)
			await new Promise((resolve) => setTimeout(resolve, 50));
	}

	#add(event: Event): void {
		this.#waiting.add(event);
		this.#wake();
	}
}
