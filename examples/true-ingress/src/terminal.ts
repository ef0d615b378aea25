import { join } from "node:path";
import type { Host, Running } from "@sluice/testbed";

/** The checkout, in which all commands are typed. */
export const root = join(import.meta.dirname, "../../..");

/** Milliseconds after which a command is ended: more than any of them has as its own timeout. */
const LONGEST = 120_000;

/** What a command printed, both streams. */
export type Output = { text: string; exitCode: number | undefined };

/** Prints each command as it would be typed, what came back, and whether that was right. */
export class Terminal {
	readonly #colours = process.stdout.isTTY && !process.env.NO_COLOR;
	#failures = 0;
	#checks = 0;

	title(text: string): void {
		console.log(`\n${this.#colour("1", `── ${text}`)}`);
	}

	note(text: string): void {
		for (const line of text.split("\n"))
			console.log(this.#colour("2", line === "" ? "" : `# ${line}`));
	}

	/** Runs a command line to its end. A failing one is for `check` to judge. */
	async type(host: Host, line: string): Promise<Output> {
		this.#prompt(host, line);
		const { stdout, stderr, exitCode } = await host.run("bash", ["-c", line], {
			cwd: root,
			reject: false,
			timeout: LONGEST,
		});
		const text = [stdout, stderr].filter((part) => part !== "").join("\n");
		this.#output(text);
		return { text, exitCode };
	}

	/** Runs what the rest builds on. @throws Error where its exit code is not 0. */
	async run(host: Host, line: string): Promise<string> {
		const { text, exitCode } = await this.type(host, line);
		if (exitCode === 0) return text;
		this.check(`exit code 0, not ${exitCode}`, false);
		throw new Error(`${host.name}: ${line}: exit code ${exitCode}`);
	}

	/** Starts a command that goes on, and waits until it prints what says that it is ready. */
	async start(host: Host, line: string, ready: RegExp): Promise<Running> {
		this.#prompt(host, `${line} &`);
		const running = host.spawn("bash", ["-c", `exec ${line}`], { cwd: root });
		const [text] = await running.ready(ready);
		this.#output(text);
		return running;
	}

	/** Says whether something is as it should be. */
	check(what: string, right: boolean): void {
		this.#checks++;
		if (!right) this.#failures++;
		const mark = right ? this.#colour("32", "✓") : this.#colour("31", "✗");
		console.log(`${mark} ${what}`);
	}

	/** @returns whether every check was right */
	sum(seconds: number): boolean {
		const right = this.#checks - this.#failures;
		console.log(
			`\n${right} of ${this.#checks} checks right, ${seconds.toFixed(0)} s`,
		);
		return this.#failures === 0;
	}

	#prompt(host: Host, line: string): void {
		console.log(this.#colour("36", `${host.name}# `) + line);
	}

	#output(text: string): void {
		for (const line of text.split("\n")) if (line !== "") console.log(line);
	}

	#colour(code: string, text: string): string {
		return this.#colours ? `\x1b[${code}m${text}\x1b[0m` : text;
	}
}
