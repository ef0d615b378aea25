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
	 * @throws WatchLost all rows must be listed again; Failure the connection is lost
	 */
	watch(after: Position, signal: AbortSignal): AsyncIterable<Update>;
	/** Writes the agent's status. It expires some time after the last report. */
	report(status: string): Promise<void>;
	/** Writes the status of the tunnels; it does not expire. */
	reportTunnels(tunnels: string): Promise<void>;
	close(): void;
}
