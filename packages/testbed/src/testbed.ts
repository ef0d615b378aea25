import { Host } from "./host.js";
import { type End, Link, type LinkOptions } from "./link.js";

/** Hosts and the links between them; nothing of it is seen outside. */
export class Testbed {
	readonly #hosts: Host[] = [];
	#interfaces = 0;

	/** A host without links. It ends with the testbed, and with this process. */
	async host(name: string): Promise<Host> {
		const host = await Host.start(name);
		this.#hosts.push(host);
		return host;
	}

	/** A host that passes packets on. */
	async router(name: string): Promise<Host> {
		const host = await this.host(name);
		await host.forward();
		return host;
	}

	/** A cable between two hosts, up and with its addresses. */
	async link(a: End, b: End, options: LinkOptions = {}): Promise<Link> {
		return Link.make([a, b], [this.#mac(), this.#mac()], options);
	}

	/** Ends every host and its processes. */
	async close(): Promise<void> {
		await Promise.all(this.#hosts.splice(0).map((host) => host.close()));
	}

	/** Closes it on SIGINT and SIGTERM, too, and ends the process. */
	closeOnSignal(): void {
		for (const [signal, code] of [
			["SIGINT", 130],
			["SIGTERM", 143],
		] as const)
			process.once(signal, async () => {
				await this.close();
				process.exit(code);
			});
	}

	#mac(): string {
		this.#interfaces += 1;
		const [high, low] = [this.#interfaces >> 8, this.#interfaces & 0xff].map(
			(byte) => byte.toString(16).padStart(2, "0"),
		);
		// 02: locally administered, so no vendor's.
		return `02:00:00:00:${high}:${low}`;
	}
}

/** A new, empty testbed; a test's own is closed when the test ends. Needs root. */
export function testbed(test?: { teardown(close: () => unknown): void }) {
	const bed = new Testbed();
	test?.teardown(() => bed.close());
	return bed;
}
