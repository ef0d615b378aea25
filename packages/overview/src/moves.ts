import type { TunnelReading } from "./readings.js";

/** Counts how often each tunnel's remote has become another between readings. */
export class RemoteMoves {
	readonly #tunnels = new Map<
		number,
		{ remote: string | undefined; moves: number }
	>();

	/** Compares the tunnels with those of the reading before; forgets deleted ones. */
	look(tunnels: readonly TunnelReading[]): void {
		const ids = new Set(tunnels.map(({ id }) => id));
		for (const id of this.#tunnels.keys())
			if (!ids.has(id)) this.#tunnels.delete(id);
		for (const { id, remote } of tunnels) {
			const before = this.#tunnels.get(id);
			const isMoved =
				before !== undefined &&
				remote !== undefined &&
				remote !== before.remote;
			this.#tunnels.set(id, {
				remote,
				moves: (before?.moves ?? 0) + Number(isMoved),
			});
		}
	}

	/** Moves of a tunnel's remote, the first remote counted, since the first reading. */
	of(id: number): number {
		return this.#tunnels.get(id)?.moves ?? 0;
	}
}
