import { spawnSync } from "node:child_process";
import { fixture } from "@sluice/testbed";
import type { ExecutionContext } from "ava";
import { objects } from "./tubectl.js";

/** Carries out an operation in a process of its own, which is killed at a step. */
export function killedAt(
	t: ExecutionContext,
	operation: "load" | "upgrade" | "index" | "no-index",
	step: string,
): void {
	const { signal, stderr } = spawnSync(...fixture("killed", operation, step), {
		env: { ...process.env, SLUICE_BPF_DIR: objects },
		encoding: "utf8",
	});
	t.is(signal, "SIGKILL", stderr);
}
