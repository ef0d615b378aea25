import type { ServerResponse } from "node:http";
import { type Context, toJson } from "@sluice/cli-kit";
import type { Answer } from "@sluice/cli-kit/metrics";
import {
	type Diagnosis,
	diagnose,
	History,
	type Hooks,
	hooksOf,
	overviewOf,
	type Readings,
	RemoteMoves,
	read,
} from "@sluice/overview";
import { contentSecurityPolicy, page } from "./page.js";
import { parts } from "./parts.js";

/** Milliseconds between two readings, where the tables are read quickly. */
const INTERVAL = 2000;
/** Of the time, how much may go into reading. */
const SHARE = 0.05;
/** Seconds between cli_doctor's two readings. */
const DOCTOR_SECONDS = 2;

/** The tables, read again and again, and shown as a page. */
export class Live {
	readonly #context: Context;
	readonly #history = new History();
	/** Of all readings, also those of scrapes. */
	readonly moves = new RemoteMoves();
	readonly #listeners = new Set<ServerResponse>();
	readonly #doctorInterval: number;
	readonly #ended = new AbortController();
	#hooks: Hooks = { role: "unconfigured", programs: [] };
	#diagnosis: Diagnosis | undefined;
	#failed: unknown;
	#timer: NodeJS.Timeout | undefined;
	#doctorTimer: NodeJS.Timeout | undefined;

	/** @param doctorInterval seconds between two runs of cli_doctor; 0: none */
	constructor(context: Context, doctorInterval: number) {
		this.#context = context;
		this.#doctorInterval = 1000 * doctorInterval;
	}

	/** @throws as `read`, the first time */
	async start(): Promise<void> {
		this.#history.add(this.readings());
		this.#hooks = await hooksOf(this.#context);
		this.#again(INTERVAL);
		if (this.#doctorInterval > 0) void this.#diagnose();
	}

	stop(): void {
		this.#ended.abort();
		clearTimeout(this.#timer);
		clearTimeout(this.#doctorTimer);
		for (const listener of this.#listeners) listener.end();
	}

	/** As they are now. */
	readings(): Readings {
		const readings = read(this.#context);
		this.moves.look(readings.tunnels);
		return readings;
	}

	get diagnosis(): Diagnosis | undefined {
		return this.#diagnosis;
	}

	/** `/` is the page, `/events` its changes. */
	readonly answer: Answer = (path, request, response) => {
		if (path !== "/" && path !== "/events") return false;
		if (request.method !== "GET" && request.method !== "HEAD") return false;
		if (this.#failed) {
			response.writeHead(503, { "Content-Type": "text/plain; charset=utf-8" });
			response.end(`${(this.#failed as Error).message}\n`);
			return true;
		}
		if (path === "/") this.#page(response, request.method === "HEAD");
		else this.#listen(response);
		return true;
	};

	#page(response: ServerResponse, isHead: boolean): void {
		response.writeHead(200, {
			"Content-Type": "text/html; charset=utf-8",
			"Content-Security-Policy": contentSecurityPolicy,
			"Cache-Control": "no-store",
			"X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "no-referrer",
		});
		response.end(isHead ? undefined : page(this.#parts()));
	}

	#listen(response: ServerResponse): void {
		response.writeHead(200, {
			"Content-Type": "text/event-stream",
			"Cache-Control": "no-store",
		});
		this.#listeners.add(response);
		response.on("close", () => this.#listeners.delete(response));
		response.write(this.#event());
	}

	#parts() {
		return parts(
			overviewOf(this.#history, this.#hooks, this.#diagnosis),
			this.#history.points,
		);
	}

	#event(): string {
		const texts = Object.entries(this.#parts()).map(([id, { text }]) => [
			id,
			text,
		]);
		return `data: ${toJson(Object.fromEntries(texts))}\n\n`;
	}

	#again(milliseconds: number): void {
		this.#timer = setTimeout(() => void this.#look(), milliseconds);
	}

	async #look(): Promise<void> {
		const start = performance.now();
		try {
			this.#history.add(this.readings());
			this.#hooks = await hooksOf(this.#context);
			this.#failed = undefined;
			const event = this.#listeners.size > 0 ? this.#event() : "";
			for (const listener of this.#listeners) listener.write(event);
		} catch (error) {
			// The tables may be missing for a while; the page shows the error.
			this.#failed = error;
		}
		const took = performance.now() - start;
		if (!this.#ended.signal.aborted)
			this.#again(Math.max(INTERVAL, took / SHARE));
	}

	async #diagnose(): Promise<void> {
		const { signal } = this.#ended;
		const found = await diagnose(this.#context.bpffs, DOCTOR_SECONDS, signal);
		if (signal.aborted) return;
		this.#diagnosis = found;
		this.#doctorTimer = setTimeout(
			() => void this.#diagnose(),
			this.#doctorInterval,
		);
	}
}
