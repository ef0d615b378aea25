import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import type { PinnedTables } from "@sluice/cli-kit/testing";
import { nanosecondsSinceBoot } from "@sluice/maps";
import type { ExecutionContext } from "ava";

/** Starts the built program on these tables, until the test ends. @returns the address of its metrics */
export async function serving(
	t: ExecutionContext,
	tables: PinnedTables,
	options: readonly string[] = [],
	doctor = 0,
): Promise<string> {
	execFileSync("ip", ["link", "set", "lo", "up"]);
	const child = spawn(process.execPath, [
		path.resolve("dist/cli_metrics.cjs"),
		...["serve", "127.0.0.1", "0", "--bpffs", tables.bpffs, "--json"],
		...["--doctor", String(doctor)],
		...options,
	]);
	const ended = once(child, "close");
	t.teardown(async () => {
		child.kill();
		await ended;
	});
	const [line] = await Promise.race([
		once(child.stdout, "data"),
		once(child.stderr, "data"),
	]);
	const { listening } = JSON.parse(String(line));
	if (!listening) throw new Error(`cli_metrics did not start: ${line}`);
	return listening;
}

/** The metrics of these tables as they are now. */
export const metricsOf = async (
	t: ExecutionContext,
	tables: PinnedTables,
	options: readonly string[] = [],
) => scrape(t, await serving(t, tables, options));

/** The metrics at an address: name and labels → value. */
export async function scrape(
	t: ExecutionContext,
	address: string,
): Promise<Map<string, number>> {
	const response = await fetch(address);
	t.is(response.status, 200);
	const lines = (await response.text()).split("\n");
	return new Map(
		lines
			.filter((line) => line !== "" && !line.startsWith("#"))
			.map((line) => {
				const space = line.lastIndexOf(" ");
				return [line.slice(0, space), Number(line.slice(space + 1))];
			}),
	);
}

/** A tunnel's `lastPing` for a ping that long ago, which may be before this machine's boot. */
export const pingedAgo = (seconds: number): bigint =>
	BigInt.asUintN(64, nanosecondsSinceBoot() - BigInt(seconds) * 1_000_000_000n);
