/** An agent's status: seen and applied are generations, a refusal has its reason. */
export interface AgentStatus {
	machine: string;
	/** Of Sluice, and of the kernel. */
	version: string;
	kernel: string;
	node: string;
	/** When the agent started. */
	since: string;
	/** The generation of the last commit that was seen; 0: none. */
	seen: number;
	/** The generation that the kernel has; 0: none. */
	applied: number;
	appliedAt: string | null;
	/** The store's revision of the last news. */
	revision: number;
	/** Why the last commit was not applied. */
	refused: Refusal | null;
	rows: Counts;
	/** The origin of the applied rows: the store, the last good file, or an earlier run. */
	source: "etcd" | "file" | "kernel" | "none";
}

export interface Refusal {
	generation: number;
	code: string;
	message: string;
}

/** Counts of rows by kind. */
export interface Counts {
	config: number;
	tunnels: number;
	services: number;
}

/** The kind of the row with this key; undefined: it is a part of another row, as the key of a service is. */
export const kindOf = (key: string): keyof Counts | undefined =>
	key.startsWith("services/")
		? "services"
		: key.startsWith("tunnels/")
			? "tunnels"
			: key.startsWith("config/")
				? "config"
				: undefined;

export function countRows(keys: Iterable<string>): Counts {
	const rows: Counts = { config: 0, tunnels: 0, services: 0 };
	for (const key of keys) {
		const kind = kindOf(key);
		if (kind) rows[kind]++;
	}
	return rows;
}
