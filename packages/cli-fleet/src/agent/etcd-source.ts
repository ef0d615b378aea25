import { isUnknownLease } from "../etcd/errors.js";
import type { Etcd, Listing, Position } from "../etcd/etcd.js";
import { type Update, watch } from "../etcd/watch.js";
import type { Paths } from "../rows/paths.js";
import type { Source } from "./source.js";

/** Seconds after which the status of a silent agent expires. */
const LEASE_SECONDS = 60;

/** The lease is renewed at most once in so many milliseconds: an agent with many changes reports each of them. */
const RENEWED = 10_000;

/** One machine's rows in etcd. */
export class EtcdSource implements Source {
	readonly #etcd: Etcd;
	readonly #rows: string;
	readonly #status: string;
	#lease = 0n;
	/** When the lease was renewed. */
	#renewed = Number.NEGATIVE_INFINITY;

	constructor(etcd: Etcd, paths: Paths, machine: string) {
		this.#etcd = etcd;
		this.#rows = paths.machine(machine);
		this.#status = paths.status(machine);
	}

	list(): Promise<Listing> {
		return this.#etcd.list(this.#rows);
	}

	async *watch(after: Position, signal: AbortSignal): AsyncGenerator<Update> {
		const { member } = this.#etcd;
		try {
			yield* watch(member, this.#rows, after, signal);
		} finally {
			// Where this member has failed, the next may do better.
			this.#etcd.leave(member);
		}
	}

	async report(status: string): Promise<void> {
		try {
			if (performance.now() - this.#renewed > RENEWED) await this.#renew();
			await this.#put(status);
		} catch (error) {
			if (!isUnknownLease(error)) throw error;
			// Expired while the agent was cut off, or never there: the store was restored.
			this.#lease = 0n;
			await this.#renew();
			await this.#put(status);
		}
	}

	#put(status: string): Promise<void> {
		return this.#etcd.put(`${this.#status}agent`, status, this.#lease);
	}

	/** A lease for as long again. */
	async #renew(): Promise<void> {
		const { ID } = await this.#etcd.call(async ({ lease }, options) => {
			const id = this.#lease;
			if (id === 0n)
				return lease.leaseGrant({ TTL: BigInt(LEASE_SECONDS) }, options);
			async function* once() {
				yield { ID: id };
			}
			for await (const answer of lease.leaseKeepAlive(once(), options))
				return answer.TTL > 0n ? answer : { ID: 0n };
			return { ID: 0n };
		});
		this.#lease = ID;
		this.#renewed = performance.now();
		if (ID === 0n) await this.#renew();
	}

	reportTunnels(tunnels: string): Promise<void> {
		return this.#etcd.put(`${this.#status}tunnels`, tunnels);
	}

	close(): void {
		this.#etcd.close();
	}
}
