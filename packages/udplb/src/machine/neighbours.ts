import { ipBatch, iprouteJson } from "./iproute.js";
import type { Routes } from "./routes.js";

/** Half of the entries that a kernel keeps by default (gc_thresh3): the others need theirs, too. */
const MOST = 512;

interface Entry {
	dst: string;
	dev: string;
	/** Present, without a value, on entries that the kernel keeps resolved. */
	managed?: null;
	/** Present on entries that another control plane looks after. */
	extern_learn?: null;
	state?: string[];
}

/**
 * Has the kernel keep the neighbour entries of upstreams and gateways resolved (`managed`, Linux 5.16), so that a
 * packet need not wait for one. Permanent entries of others are left alone.
 */
export class Neighbours {
	#ours = new Map<string, { address: string; device: string }>();

	/** Makes these the managed entries: adds missing ones, releases the others. */
	async keep(routes: Routes): Promise<void> {
		const wanted = new Map<string, { address: string; device: string }>();
		for (const { local, device, neighbour } of routes.values()) {
			if (local || wanted.size >= MOST) continue;
			wanted.set(`${device} ${neighbour}`, { address: neighbour, device });
		}
		const there = await entries();
		const missing = [...wanted].filter(([name]) => {
			const entry = there.get(name);
			return (
				!entry || !(isManaged(entry) || isFixed(entry) || isForeign(entry))
			);
		});
		await ipBatch(
			missing.map(
				([, { address, device }]) =>
					`neigh replace ${address} dev ${device} managed`,
			),
		);
		const gone = new Map([...this.#ours].filter(([name]) => !wanted.has(name)));
		for (const [name, entry] of wanted) {
			// Managed and not extern_learn: ours, perhaps left by a process that was killed.
			const before = there.get(name);
			if (!before || !(isFixed(before) || isForeign(before)))
				this.#ours.set(name, entry);
		}
		await this.#release(gone, there);
	}

	/** Lets all entries go. The kernel makes them anew as it needs them. */
	async release(): Promise<void> {
		await this.#release(new Map(this.#ours), await entries());
	}

	async #release(
		gone: ReadonlyMap<string, { address: string; device: string }>,
		there: ReadonlyMap<string, Entry>,
	): Promise<void> {
		const lines: string[] = [];
		for (const [name, { address, device }] of gone) {
			this.#ours.delete(name);
			const entry = there.get(name);
			if (entry && isManaged(entry))
				lines.push(`neigh del ${address} dev ${device}`);
		}
		await ipBatch(lines);
	}
}

async function entries(): Promise<Map<string, Entry>> {
	const list = await iprouteJson<Entry>("ip", ["neigh", "show", "nud", "all"]);
	return new Map(list.map((entry) => [`${entry.dev} ${entry.dst}`, entry]));
}

const isManaged = (entry: Entry) => "managed" in entry;
const isForeign = (entry: Entry) => "extern_learn" in entry;
const isFixed = ({ state = [] }: Entry) =>
	state.includes("PERMANENT") || state.includes("NOARP");
