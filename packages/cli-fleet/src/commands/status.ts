import { aligned, command, counted, Failure, missing } from "@sluice/cli-kit";
import { machineName } from "@sluice/machine";
import type { AgentStatus } from "../agent/status.js";
import type { Commit } from "../rows/commit.js";
import { openStore, secondsArg, storeArgs, storeOptions } from "./options.js";

/** One machine as the store and its agent have it. */
interface MachineStatus {
	machine: string;
	/** Generation that was pushed last; 0: none. */
	pushed: number;
	pushedAt: string | null;
	pushedBy: string | null;
	agent: AgentStatus | null;
	state: "ok" | "behind" | "refused" | "silent";
	/** Seconds since a push that is not applied; 0: it is. */
	lag: number;
}

export const status = command({
	usage: "status [<machine>...]",
	summary:
		"Show the pushed and the applied generation of machines: exit code 1 if one is behind, silent, or has refused",
	positionals: { machine: "The name of a machine; all that were pushed" },
	options: {
		stale: {
			type: "string",
			value: "seconds",
			describe:
				"A machine may be behind for so long; one that is silent or has refused may not [default: 0]",
		},
		...storeOptions,
	},
	examples: [["status --stale 60", "As an alarm, by its exit code"]],
	parse: (args, env) => ({
		machines: args.list("machine").map((name) => machineName("machine", name)),
		stale: secondsArg(args, "stale", 0),
		store: storeArgs(args, env),
	}),
	kernel: false,
	async run({ machines, stale, store }, context) {
		const { statusesOf } = await import("../push/wait.js");
		const { readCommit } = await import("../rows/commit.js");
		const { paths } = store;
		const etcd = await openStore(store);
		try {
			const known = [...(await etcd.list(paths.names)).rows.keys()];
			for (const name of machines)
				if (!known.includes(name)) throw missing(`no machine "${name}"`);
			const names = machines.length > 0 ? machines : known;
			const commits = await etcd.getMany(names.map(paths.commit));
			const agents = await statusesOf(etcd, paths, names);
			const all = names.map((machine) =>
				statusOf(
					machine,
					readCommit(commits.get(paths.commit(machine))?.value),
					agents.get(machine),
				),
			);
			context.print(
				() => lines(all),
				() => ({ machines: all }),
			);
			const wrong = all.filter(
				({ state, lag }) =>
					state !== "ok" && (state !== "behind" || lag > stale),
			);
			if (wrong.length > 0)
				throw new Failure(
					"failed",
					`${counted(wrong.length, "machine")} of ${all.length} not as pushed: ${wrong.map(({ machine }) => machine).join(", ")}`,
					{ code: "NOT_APPLIED" },
				);
		} finally {
			etcd.close();
		}
	},
});

function statusOf(
	machine: string,
	commit: Commit | undefined,
	agent: AgentStatus | undefined,
): MachineStatus {
	const pushed = commit?.generation ?? 0;
	const state = !agent
		? "silent"
		: agent.refused
			? "refused"
			: agent.applied === pushed
				? "ok"
				: "behind";
	return {
		machine,
		pushed,
		pushedAt: commit?.at ?? null,
		pushedBy: commit?.by ?? null,
		agent: agent ?? null,
		state,
		lag: state === "ok" || !commit ? 0 : secondsSince(commit.at),
	};
}

/** By the clocks of the host that has pushed and of this one. */
const secondsSince = (time: string) =>
	Math.max(0, Math.round((Date.now() - Date.parse(time)) / 1000));

function lines(all: readonly MachineStatus[]): string[] {
	if (all.length === 0) return ["no machine was pushed"];
	const table = aligned([
		["MACHINE", "PUSHED", "APPLIED", "LAG", "STATE", "ROWS"],
		...all.map(({ machine, pushed, agent, lag, state }) => [
			machine,
			String(pushed),
			agent ? String(agent.applied) : "-",
			`${lag} s`,
			state,
			agent
				? `${counted(agent.rows.tunnels, "tunnel")}, ${counted(agent.rows.services, "service")}`
				: "-",
		]),
	]);
	const refusals = all.flatMap(({ machine, agent }) =>
		agent?.refused
			? [
					`${machine}: generation ${agent.refused.generation} refused: ${agent.refused.message} (${agent.refused.code})`,
				]
			: [],
	);
	return [...table, ...refusals];
}
