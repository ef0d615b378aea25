import { ask, type Neighbour } from "@sluice/iproute";
import type { Check, Finding } from "../finding.js";
import { quoted } from "../shell.js";
import { waysToRemotes } from "../ways.js";
import { needed } from "../world.js";

/** The next hop to a remote must be resolved. */
export const neighbour: Check = {
	name: "neighbours on the way to remotes",
	async look(world) {
		const findings = new Map<string, Finding>();
		for (const { remote, tunnel, route } of await waysToRemotes(world)) {
			const [row] = "rows" in route ? route.rows : [];
			if (!row?.dev) continue;
			const next = row.gateway ?? row.via?.host ?? String(remote);
			const where = `${next} dev ${quoted(row.dev)}`;
			const answer = await needed(
				ask<Neighbour>("ip", "neigh", "show", "to", next, "dev", row.dev),
			);
			const failed =
				"rows" in answer &&
				answer.rows.some(({ state }) => state.includes("FAILED"));
			if (failed && !findings.has(where))
				findings.set(where, {
					code: "neighbour-failed",
					message: `${next} on ${row.dev}, next on the way to the remote of tunnel ${tunnel}, does not answer`,
					fix: `ip neigh flush to ${where} && ping -c 1 -W 2 -I ${quoted(row.dev)} ${next}`,
				});
		}
		return [...findings.values()];
	},
};
