import { createHash } from "node:crypto";
import { type Rows, Sum, words } from "@sluice/maps/sum";
import { endpointName, type Service } from "@sluice/tunnel";
import type { ConfigRow, Machine, TunnelRow } from "./machine.js";

/** SHA-256 of a file's bytes. */
export const fileDigest = (bytes: Buffer) =>
	createHash("sha256").update(bytes).digest();

/** As `documentDigest`, of content that has a digest already. */
export const contentDigest = (content: Buffer, salt: Buffer) =>
	createHash("sha256").update(salt).update(content).digest();

/** Digest of a document's content, independent of the order of its rows and its layout. 32 bytes. */
export const documentDigest = (machine: Machine, salt: Buffer): Buffer =>
	new Content(salt).add(machine).digest();

/** The digest once the rows of one machine have taken the place of those of another. */
export const documentDigestAfter = (
	before: Buffer,
	from: Machine,
	to: Machine,
	salt: Buffer,
): Buffer => new Content(salt, before).add(from, -1).add(to).digest();

/** Bytes of a digest; those of the sum come first. */
const DIGEST = 32;
const SUM = 16;

const WORD = 4;
const NONE = new Int32Array();

/** Bytes of a line that count: of no row that is right there are more. */
const LONGEST_LINE = 1024;

/** The sum of a machine's rows: those of the config, and others with more fields than every row has, as lines. */
class Content {
	readonly #sum: Sum;
	readonly #seed: number;
	readonly #bytes = Buffer.alloc(LONGEST_LINE);
	readonly #row: Rows = {
		count: 1,
		keys: NONE,
		keySize: 0,
		values: words(this.#bytes),
		valueSize: 0,
	};

	/** @param before a digest to go on with */
	constructor(salt: Buffer, before?: Buffer) {
		this.#sum = new Sum(before?.subarray(0, SUM));
		this.#seed = salt.readInt32LE(0);
	}

	/** @param sign -1 takes the rows away */
	add({ config, tunnels, services }: Machine, sign: 1 | -1 = 1): this {
		for (const row of config) this.#addLine(configLine(row), sign);
		for (const row of tunnels.withRest()) this.#addLine(tunnelLine(row), sign);
		for (const row of services.withRest())
			this.#addLine(serviceLine(row), sign);
		this.#addPacked(tunnels, sign);
		this.#addPacked(services, sign);
		return this;
	}

	#addPacked(
		{ packed, length }: Machine["tunnels"] | Machine["services"],
		sign: 1 | -1,
	): void {
		if (length === 0) return;
		const keySize = packed.length / length / WORD;
		const rows = { ...this.#row, count: length, keys: words(packed), keySize };
		this.#sum.add(
			{ ...rows, values: NONE, valueSize: 0 },
			// No line is so long.
			{ seed: this.#seed ^ (LONGEST_LINE + keySize), sign },
		);
	}

	#addLine(line: string, sign: 1 | -1): void {
		const length = this.#bytes.write(line);
		// To the end of the last word.
		this.#bytes.fill(0, length, (length + 3) & ~3);
		this.#row.valueSize = (length + 3) >> 2;
		this.#sum.add(this.#row, { seed: this.#seed ^ length, sign });
	}

	digest(): Buffer {
		return Buffer.concat([this.#sum.bytes()], DIGEST);
	}
}

// A row as a line that no other row has, with its keys.

export const configLine = ({ interface: name, direction, config }: ConfigRow) =>
	`config ${name} ${direction} ${config.id} ${config.flags} ${config.name}`;

export const tunnelLine = (row: TunnelRow) =>
	`tunnel ${row.id} ${row.local} ${row.localPort} ${row.remote} ${row.remotePort}${row.options ? ` ${Object.values(row.options).join(" ")}` : ""}`;

export const serviceLine = (one: Service) =>
	`service ${one.sid.service} ${one.sid.group} ${endpointName(one.proxy)} ${one.backend.address} ${one.backend.port} ${one.tunnel} ${one.key.toString("latin1")}${one.other ? ` ${one.other.key.toString("latin1")}${one.other.signing?.toString("latin1") ?? ""}` : ""}${one.signing ? ` ${one.signing.key.toString("latin1")} ${one.signing.required}` : ""}`;
