import type { Commit } from "../rows/commit.js";
import type { Refusal } from "./status.js";

/** What an agent has applied last. */
interface Applied {
	/** Its generation; 0: none. */
	generation: number;
	/** The cluster of these rows; undefined: unknown. */
	cluster: string | undefined;
}

/** Whether a generation is applied that is older than the kernel's. */
export const mayGoBack = (
	{ reset, first }: Commit,
	{ cluster }: Pick<Applied, "cluster">,
): boolean =>
	// The first commit of a new machine: the kernel's generation is that of cli_apply.
	reset === true || (first === true && cluster === undefined);

/** Why a commit of a restored or another store is refused; undefined: it is accepted. */
export function goesBack(
	commit: Commit,
	last: Applied,
	cluster: string | undefined,
): Refusal | undefined {
	if (mayGoBack(commit, last)) return undefined;
	const { generation } = commit;
	if (generation < last.generation)
		return {
			generation,
			code: "STALE",
			message: `generation ${generation} is older than ${last.generation}, which was applied; if the store was restored, cli_fleet push --reset`,
		};
	if (last.cluster !== undefined && cluster !== last.cluster)
		return {
			generation,
			code: "CLUSTER",
			message: `the store is another cluster, ${cluster}, than the one before, ${last.cluster}; if this is meant, cli_fleet push --reset`,
		};
	return undefined;
}
