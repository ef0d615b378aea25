import { statSync } from "node:fs";
import type { Filter } from "@sluice/capture";
import { Address } from "@sluice/maps/address";
import {
	type DropSettings,
	dropFilters,
	dropSettings,
	type Outcome,
	outcomes,
} from "@sluice/maps/tables";
import type { ReasonNames } from "./reasons.js";

/**
 * What the monitor's program is loaded with.
 * @param rate packets in a second on each CPU; 0: all
 */
export function settingsOf(
	{ service, tunnel, client, direction, reasons }: Filter,
	names: ReasonNames,
	rate: number,
): Buffer {
	const wanted = new Set(reasons);
	const flag = (value: unknown, name: keyof typeof dropFilters) =>
		value === undefined ? 0 : dropFilters[name];
	const settings: DropSettings = {
		netns: statSync("/proc/self/ns/net").ino,
		filters:
			flag(service, "service") |
			flag(tunnel, "tunnel") |
			flag(client, "client") |
			flag(direction, "direction") |
			flag(reasons, "reason"),
		tunnel: tunnel ?? 0,
		sid: service ?? { service: 0, group: 0 },
		rate,
		egress: Number(direction === "egress"),
		client: client ?? Address.of("::"),
		outcomes: new Set(
			[...wanted]
				.map((name) => outcomes.indexOf(name as Outcome))
				.filter((number) => number >= 0),
		),
		reasons: new Set(
			[...names.kernel]
				.filter(([, name]) => wanted.has(name))
				.map(([number]) => number),
		),
	};
	const bytes = Buffer.alloc(dropSettings.size);
	dropSettings.write(bytes, 0, settings);
	return bytes;
}
