import type { Address } from "@sluice/maps/address";
import {
	FLOW_PORT,
	MOVE_NEVER,
	type SourcePort,
	TOKEN_SHIFT,
	type TokenMode,
	type Tunnel,
	type TunnelOptions,
	tokenModes,
} from "@sluice/maps/tables";
import { UNKNOWN } from "./tunnels.js";

/** Default options: any ping may move the far end. */
export const anyMove: TunnelOptions = {
	within: UNKNOWN,
	withinBits: 0,
	moveAfter: 0,
	flags: 0,
};

/** What may move a tunnel's far end, as it is typed. */
export const moveDocument = ({
	moveAfter,
	within,
	withinBits,
}: TunnelOptions) => ({
	/** Seconds without a ping before one that is not signed moves it; null: at once. */
	after:
		moveAfter === 0 ? null : moveAfter === MOVE_NEVER ? "never" : moveAfter,
	/** The prefix that it stays in; null: none. */
	within: withinBits === 0 ? null : prefixText(within, withinBits),
});

/** What the tunnel's packets carry. */
export const tokenModeOf = ({ flags }: TunnelOptions): TokenMode =>
	tokenModes[(flags >>> TOKEN_SHIFT) & 3] as TokenMode;

/** Where the source port of the tunnel's packets is from. */
export const sourcePortOf = ({ flags }: TunnelOptions): SourcePort =>
	flags & FLOW_PORT ? "flow" : "fixed";

/** The flags of options. */
export const optionFlags = (token: TokenMode, sourcePort: SourcePort): number =>
	(tokenModes.indexOf(token) << TOKEN_SHIFT) |
	(sourcePort === "flow" ? FLOW_PORT : 0);

/**
 * Why a tunnel cannot have a source port for each flow, as the rest of a sentence; undefined: it can. A far end that is learned
 * may be behind a NAT, which accepts packets only from the port that its pings are sent to.
 */
export function noFlowPort({
	remote,
	options,
}: {
	remote: Address;
	options: Pick<TunnelOptions, "moveAfter" | "withinBits">;
}): string | undefined {
	if (remote.equals(UNKNOWN))
		return "must be fixed where the far end is learned, which may be behind a NAT";
	if (options.moveAfter !== 0 || options.withinBits !== 0)
		return "must be fixed where pings may move the far end";
	return undefined;
}

/** Why a far end cannot be kept within the prefix, as the rest of a sentence; undefined: it can. */
export const noPrefix = (
	local: Address,
	{ within, withinBits }: Pick<TunnelOptions, "within" | "withinBits">,
): string | undefined =>
	withinBits === 0 || within.isIpv4 === local.isIpv4
		? undefined
		: "must be of the family of the tunnel's ends";

/**
 * Whether the far end is where the last ping came from. A tunnel that is set anew has no ping, and no ping moves one with a source
 * port for each flow.
 */
export const isLearned = (
	{ remote, lastPing }: Pick<Tunnel, "remote" | "lastPing">,
	options: TunnelOptions | undefined,
): boolean =>
	lastPing !== 0n &&
	!remote.equals(UNKNOWN) &&
	!(options && sourcePortOf(options) === "flow");

const prefixText = (address: Address, bits: number) =>
	`${address}/${address.isIpv4 ? bits - 96 : bits}`;
