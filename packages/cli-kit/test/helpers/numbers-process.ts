import { spawn } from "node:child_process";
import { fixture } from "@sluice/testbed";
import type { PinnedTables } from "../../testing/index.js";

/** The words that run the small program. */
export const program = fixture("numbers").flat();

/** Starts it beside the test. */
export const spawnNumbers = (tables: PinnedTables, ...words: string[]) =>
	spawn(...fixture("numbers", "--bpffs", tables.bpffs, ...words));
