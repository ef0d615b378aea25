import { values } from "@sluice/cli-kit";
import type { Path } from "@sluice/document";
import type { Address } from "@sluice/maps/address";
import { sourcePorts, tokenModes } from "@sluice/maps/tables";
import {
	addressKind,
	anyMove,
	noFlowPort,
	noPrefix,
	optionFlags,
	type TunnelSpec,
	UNKNOWN,
} from "@sluice/tunnel";
import type { TunnelRow } from "../machine.js";
import { isV6, refuseKind, socketAddress } from "./endpoint.js";
import type { Fields, Reader } from "./reader.js";
import { LEARNED } from "./words.js";

const TUNNEL = ["id", "local", "remote"];

/** A row of `tunnels`; undefined where there is a mistake. */
export function tunnelRow(
	reader: Reader,
	value: unknown,
	path: Path,
): TunnelRow | undefined {
	const row = reader.mapping(value, path, TUNNEL, [
		"moveAfter",
		"moveWithin",
		"token",
		"sourcePort",
	]);
	if (!row) return undefined;
	const id = reader.number(row, "id", path, values.u32);
	const local = reader.text(row, "local", path, socketAddress);
	const remote =
		row.remote === LEARNED
			? { address: UNKNOWN, port: 0 }
			: reader.text(row, "remote", path, socketAddress);
	if (id === undefined || !local || !remote) return undefined;
	const localKind = addressKind(local.address);
	if (localKind && localKind !== "loopback")
		reader.wrong(
			[...path, "local"],
			`must be an address of this machine, got the kind ${localKind}`,
		);
	if (row.remote !== LEARNED)
		refuseKind(reader, path, "remote", remote.address);
	if (row.remote !== LEARNED && isV6(local) !== isV6(remote))
		reader.wrong(path, "local and remote must be of one family");
	return {
		id,
		local: local.address,
		localPort: local.port,
		remote: remote.address,
		remotePort: remote.port,
		options: optionsOf(reader, row, path, local.address, remote.address),
	};
}

/** Undefined: any ping moves the far end, packets carry keys, and the source port is fixed. */
function optionsOf(
	reader: Reader,
	row: Fields,
	path: Path,
	local: Address,
	remote: Address,
): TunnelSpec["options"] {
	const { moveAfter, moveWithin } = row;
	const word = <const T extends string>(field: string, words: readonly T[]) =>
		row[field] === undefined
			? undefined
			: reader.text(row, field, path, (name, text) =>
					values.word(name, text, words),
				);
	const sourcePort = word("sourcePort", sourcePorts) ?? "fixed";
	const flags = optionFlags(word("token", tokenModes) ?? "off", sourcePort);
	if (moveAfter === undefined && moveWithin === undefined && flags === 0)
		return undefined;
	const after =
		moveAfter === undefined
			? undefined
			: typeof moveAfter === "string"
				? reader.text(row, "moveAfter", path, values.moveAfter)
				: reader.number(row, "moveAfter", path, values.moveAfter);
	const within =
		moveWithin === undefined
			? undefined
			: reader.text(row, "moveWithin", path, values.prefix);
	const options = { ...anyMove, ...within, moveAfter: after ?? 0, flags };
	const reason =
		sourcePort === "flow" ? noFlowPort({ remote, options }) : undefined;
	if (reason) reader.wrong([...path, "sourcePort"], reason);
	const unfit = noPrefix(local, options);
	if (unfit) reader.wrong([...path, "moveWithin"], unfit);
	return options;
}
