import type { Listing, Position } from "../etcd/etcd.js";
import type { Update } from "../etcd/watch.js";

/**
 * Where an agent has its machine's rows from, and where it reports to. etcd is one; any store that lists, and reports changes
 * after a position, can stand in its place.
 */
export interface Source {
	/** All rows at one time. @throws Failure it cannot be reached */
	list(): Promise<Listing>;
	/**
	 * What changes after a position, in order.
	 * @throws WatchLost all has to be listed again; Failure the connection is gone
	 */
	watch(after: Position, signal: AbortSignal): AsyncIterable<Update>;
	/** Puts what others see of the agent. It goes by itself some time after the last report. */
	report(status: string): Promise<void>;
	/** Puts what others see of the tunnels; it stays. */
	reportTunnels(tunnels: string): Promise<void>;
	close(): void;
}
