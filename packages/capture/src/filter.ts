import {
	type Args,
	badInput,
	type OptionSpec,
	type Values,
	values,
} from "@sluice/cli-kit";
import type { Address } from "@sluice/maps/address";
import { type Direction, directions, type Sid } from "@sluice/maps/tables";

/** Which packets are reported: those that have all that is set. */
export interface Filter {
	service?: Sid | undefined;
	tunnel?: number | undefined;
	client?: Address | undefined;
	direction?: Direction | undefined;
	/** Any of these. */
	reasons?: readonly string[] | undefined;
}

export const filterOptions: Readonly<Record<string, OptionSpec>> = {
	service: {
		type: "string",
		value: "service,group",
		describe: "Only packets of this service",
	},
	tunnel: { type: "string", describe: "Only packets of this tunnel" },
	client: {
		type: "string",
		value: "address",
		describe: "Only packets to or from this client",
	},
	direction: { type: "string", describe: "Only ingress or egress" },
	reason: {
		type: "string",
		describe: "Only packets with these outcomes, separated by commas",
	},
};

/** For completion. */
export const filterValues: Readonly<Record<string, Values>> = {
	direction: directions,
};

/**
 * @param known the reasons that there are, in their spelling; any case is accepted
 * @throws Failure usage
 */
export function filterOf(args: Args, known: readonly string[]): Filter {
	const service = args.optional("service");
	const tunnel = args.optional("tunnel");
	const client = args.optional("client");
	const direction = args.optional("direction");
	const reason = args.optional("reason");
	return {
		service: service === undefined ? undefined : values.sid("service", service),
		tunnel: tunnel === undefined ? undefined : values.u32("tunnel", tunnel),
		client: client === undefined ? undefined : values.address("client", client),
		direction: direction === undefined ? undefined : directionOf(direction),
		reasons: reason?.split(",").map((word) => reasonOf(word, known)),
	};
}

function directionOf(text: string): Direction {
	for (const one of directions) if (one === text) return one;
	throw badInput(`direction must be ingress or egress, got "${text}"`);
}

function reasonOf(word: string, known: readonly string[]): string {
	const found = known.find((one) => one.toLowerCase() === word.toLowerCase());
	if (found) return found;
	throw badInput(
		`reason must be one of ${known.slice(0, 3).join(", ")} …, got "${word}"`,
		"see cli_cfg stats --all",
	);
}
