import { BpfError } from "@sluice/maps/errors";
import { checks } from "./checks/index.js";
import type { Finding } from "./finding.js";
import { CannotLook, type World } from "./world.js";

/** All findings, and the checks that could not run, with the reason. */
export interface Examination {
	checks: number;
	findings: Finding[];
	skipped: { check: string; reason: string }[];
}

/** Makes every check, one after the other: those of the machine first, for the others rest on it. */
export async function examine(world: World): Promise<Examination> {
	const result: Examination = {
		checks: checks.length,
		findings: [],
		skipped: [],
	};
	beginCounting(world);
	for (const { name, look } of checks) {
		try {
			for (const finding of await look(world)) {
				// Two checks may come upon one thing: the first to say so names its cause.
				const isNew = !result.findings.some(
					({ code, fix }) =>
						fix !== undefined && fix === finding.fix && code === finding.code,
				);
				if (isNew) result.findings.push(finding);
			}
		} catch (error) {
			// What the kernel refuses is a finding of the checks of rights.
			if (!(error instanceof CannotLook || error instanceof BpfError))
				throw error;
			result.skipped.push({ check: name, reason: error.message });
		}
	}
	return result;
}

/** Reads the counters for the first time. The check that reads them again reports why they cannot be read. */
function beginCounting(world: World): void {
	try {
		world.firstCounts();
	} catch (error) {
		if (!(error instanceof CannotLook || error instanceof BpfError))
			throw error;
	}
}
