import {
	MOVE_NEVER,
	TOKEN_SHIFT,
	type TokenMode,
	type TunnelOptions,
	tokenModes,
} from "@sluice/maps/tables";

/** Options of a tunnel whose far end any ping may move. */
export const anyMove: TunnelOptions = {
	within: "::",
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

/** The flags of options with a token mode. */
export const tokenFlags = (mode: TokenMode): number =>
	tokenModes.indexOf(mode) << TOKEN_SHIFT;

const prefixText = (address: string, bits: number) =>
	`${address}/${address.includes(":") ? bits : bits - 96}`;
