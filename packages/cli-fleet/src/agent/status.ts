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
	rows: { config: number; tunnels: number; services: number };
	/** The origin of the applied rows: the store, the last good file, or an earlier run. */
	source: "etcd" | "file" | "kernel" | "none";
}

export interface Refusal {
	generation: number;
	code: string;
	message: string;
}

/** Counts of rows by kind. */
export function countRows(keys: Iterable<string>): AgentStatus["rows"] {
	const rows = { config: 0, tunnels: 0, services: 0 };
	for (const key of keys)
		if (key.startsWith("tunnels/")) rows.tunnels++;
		else if (key.startsWith("services/")) rows.services++;
		else if (key.startsWith("config/")) rows.config++;
	return rows;
}
