import { basename } from "node:path";
import { Failure } from "@sluice/cli-kit";
import type { LoadedObject, Program } from "@sluice/maps";
import * as tables from "@sluice/maps/tables";

/** The tables of the tunnel programs: the names of their pins. */
export const tableNames: readonly string[] = Object.values(
	tables as Record<string, unknown>,
)
	.map((value) => (value as { name?: string }).name ?? "")
	.filter((name) => name.startsWith("map_"))
	.sort();

/** What objects before 0.1.0 pinned, and these do not. */
export const formerCaches: readonly string[] = [
	"map_events_tmp",
	"map_icmp_limit",
	"map_journal",
	"map_memo",
	"map_route",
];

/** The kernel keeps 15 characters of a map's name. */
export const tableOfKernelName = (name: string): string | undefined =>
	tableNames.find((one) => one.slice(0, 15) === name);

/** An object's name, under which its program is pinned: `pfc_ingress_l3` of `pfc_ingress_l3_tc.o`. */
export const nameOf = (object: string): string =>
	basename(object).replace(/_tc\.o$/, "");

/**
 * The program of an object, whose name has no word of the link layer: `pfc_ingress`.
 * @throws Failure failed it is another object
 */
export function programOf(loaded: LoadedObject, object: string): Program {
	const name = nameOf(object).replace(/_l3$/, "");
	try {
		return loaded.program(name);
	} catch (error) {
		if (!(error instanceof RangeError)) throw error;
		throw new Failure("failed", `${object} has no program ${name}`);
	}
}
