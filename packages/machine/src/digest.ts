import { createHash } from "node:crypto";
import { endpointName, rankOfSid } from "@sluice/tunnel";
import type { Machine } from "./machine.js";

/** SHA-256 of a file's bytes. */
export const fileDigest = (text: string) =>
	createHash("sha256").update(text).digest();

/** Lines, hashed in large parts: one call a line would be most of the time. */
class Lines {
	readonly #hash = createHash("sha256");
	#text = "";

	constructor(salt: Buffer) {
		this.#hash.update(salt);
	}

	add(line: string): void {
		this.#text += `${line}\n`;
		if (this.#text.length > 65_536) this.#flush();
	}

	#flush(): void {
		this.#hash.update(this.#text);
		this.#text = "";
	}

	digest(): Buffer {
		this.#flush();
		return this.#hash.digest();
	}
}

/** As `documentDigest`, of content that has a digest already. */
export const contentDigest = (content: Buffer, salt: Buffer) =>
	createHash("sha256").update(salt).update(content).digest();

/** Digest of what a document says, whatever the order of its rows and its layout. */
export function documentDigest(
	{ config, tunnels, services }: Machine,
	salt: Buffer,
): Buffer {
	const lines = new Lines(salt);
	const rows = config.map(
		(row) =>
			`config ${row.interface} ${row.queue} ${row.config.id} ${row.config.flags} ${row.config.name}`,
	);
	for (const line of rows.sort()) lines.add(line);
	for (const { id, spec } of inOrder(tunnels, ({ id }) => id))
		lines.add(
			`tunnel ${id} ${spec.local} ${spec.localPort} ${spec.remote} ${spec.remotePort}${spec.options ? ` ${Object.values(spec.options).join(" ")}` : ""}`,
		);
	for (const one of inOrder(services, ({ sid }) => rankOfSid(sid)))
		lines.add(
			`service ${one.sid.service} ${one.sid.group} ${endpointName(one.proxy)} ${one.backend.address} ${one.backend.port} ${one.tunnel} ${one.key.toString("latin1")}${one.other ? ` ${one.other.key.toString("latin1")}${one.other.signing?.toString("latin1") ?? ""}` : ""}${one.signing ? ` ${one.signing.key.toString("latin1")} ${one.signing.required}` : ""}`,
		);
	return lines.digest();
}

/** The rows by their number: as they are where they are in order already, which most documents are. */
function inOrder<T>(
	rows: readonly T[],
	rank: (row: T) => number,
): readonly T[] {
	for (let i = 1; i < rows.length; i++)
		if (rank(rows[i - 1] as T) > rank(rows[i] as T))
			return [...rows].sort((a, b) => rank(a) - rank(b));
	return rows;
}
