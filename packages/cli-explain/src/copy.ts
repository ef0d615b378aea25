import type { Context } from "@sluice/cli-kit";
import { Failure } from "@sluice/cli-kit";
import type { LoadedObject, Program } from "@sluice/maps";
import type { OpenTable, Table } from "@sluice/maps/table";
import {
	type Direction,
	type Outcome,
	outcomes,
	pathMtuTable,
	pingTimeTable,
	rotationTable,
	type Sid,
	statsRow,
	statsTable,
	tunnelTable,
} from "@sluice/maps/tables";
import { type Attached, mapsOf } from "@sluice/tunnel/hooks";
import { type LiveTables, openLive } from "./live-tables.js";

/** `struct __sk_buff`: its size, and the offset of the interface's index. */
const CONTEXT = 192;
const IFINDEX = 40;
const WIRE_LEN = 160;
/** `DRY_RUN` of `bpf/tunnel/split.h`: the program sends no fragments. */
const DRY_RUN = 65_536;

/** Tables of the copy that are large for no use here. */
const small = {
	map_frag: 64,
	map_tunnel_stats: 64,
	map_rotation: 64,
	map_ping_time: 64,
};

/** What became of a packet. */
export interface Fate {
	returned: number;
	outcome: Outcome;
	/** With its Ethernet header. */
	packet: Buffer;
}

/**
 * A second program with the instructions of the attached one. It reads the same tables, but counts, remembers and
 * learns in ones of its own, to which the rows that the packet needs are copied. So it leaves no trace.
 */
export class Copy {
	readonly tables: LiveTables;
	readonly #context: Context;
	readonly #attached: Attached;
	readonly #object: string;
	readonly #tried: string;

	/**
	 * @param object file of the attached program
	 * @param tried file of the build for Ethernet, where the attached one cannot be tried
	 */
	constructor(
		context: Context,
		attached: Attached,
		object: string,
		tried: string,
	) {
		this.#context = context;
		this.#attached = attached;
		this.#object = object;
		this.#tried = tried;
		this.tables = openLive(context, mapsOf(context.kernel, attached.programId));
	}

	/**
	 * Runs it on a packet at an interface.
	 *
	 * @param before a packet to run before it, without its outcome
	 * @param sid the service that the packet names
	 * @param learning the tunnel that the packet may change: the copy then has a private row of it
	 * @throws Failure failed, where the object is not the attached program
	 */
	run(
		ifindex: number,
		packet: Buffer,
		before: Buffer | undefined,
		sid: Sid | undefined,
		learning: number | undefined,
	): Fate {
		const { tunnel, rotation, pingTime, pathMtu } = this.tables;
		this.#mustBeAttached();
		const object = this.#load(this.#tried, learning === undefined);
		try {
			const program = this.#program(object);
			const copyRow = <K, V>(
				table: Table<K, V>,
				live: OpenTable<K, V>,
				key: K | undefined,
			) => {
				const row = key === undefined ? undefined : live.get(key);
				if (key !== undefined && row) object.table(table).set(key, row);
			};
			copyRow(tunnelTable, tunnel, learning);
			copyRow(pingTimeTable, pingTime, learning);
			copyRow(rotationTable, rotation, sid);
			object.table(pathMtuTable).setMany([...pathMtu.entries()]);
			const context = Buffer.alloc(CONTEXT);
			context.writeUInt32LE(ifindex, IFINDEX);
			context.writeUInt32LE(DRY_RUN, WIRE_LEN);
			const stats = object.table(statsTable);
			if (before) {
				program.testRun({ data: before, context: Buffer.from(context) });
				const first = counted((key) => stats.get(key), this.#direction);
				const row = statsRow(this.#direction, first);
				stats.set(
					row,
					(stats.get(row) ?? []).map(() => 0n),
				);
			}
			const run = program.testRun({ data: packet, context });
			return {
				returned: run.verdict,
				outcome: counted((key) => stats.get(key), this.#direction),
				packet: run.data,
			};
		} finally {
			object.close();
		}
	}

	#load(file: string, withTunnels: boolean): LoadedObject {
		const { config, decap, encap, verify, nat, tunnel } = this.tables;
		const { signing, signedOnly, options } = this.tables;
		return this.#context.kernel.loadObject(file, {
			maxEntries: small,
			reuse: Object.fromEntries(
				[
					...[config, decap, encap, verify, nat, signing, signedOnly],
					...[options, ...(withTunnels ? [tunnel] : [])],
				]
					// An egress program of an earlier release may be the same, and its machine may lack a table of ingress.
					.filter(({ fd }) => fd >= 0)
					.map(({ name, fd }) => [name, fd]),
			),
		});
	}

	/** @throws Failure failed */
	#mustBeAttached(): void {
		const object = this.#load(this.#object, true);
		try {
			this.#mustBeTheSame(this.#program(object).fd);
		} finally {
			object.close();
		}
	}

	#program(object: LoadedObject): Program {
		const name = `pfc_${this.#attached.direction}`;
		try {
			return object.program(name);
		} catch (error) {
			if (!(error instanceof RangeError)) throw error;
			throw new Failure("failed", `${this.#object} has no program ${name}`, {
				hint: "name the object that is attached with --object",
			});
		}
	}

	get #direction(): Direction {
		return this.#attached.direction;
	}

	/** The kernel's digest leaves out which maps a program has, and nothing else. */
	#mustBeTheSame(copy: number): void {
		const { kernel } = this.#context;
		const { programId, device, direction } = this.#attached;
		const attached = kernel.openProgramById(programId);
		try {
			if (kernel.programInfo(attached).tag === kernel.programInfo(copy).tag)
				return;
		} finally {
			kernel.close(attached);
		}
		throw new Failure(
			"failed",
			`program ${programId} on ${device} ${direction} was not made from ${this.#object}`,
			{
				code: "OTHER_PROGRAM",
				hint: `name the object that is attached with --object, or put this one there with reattach_tc.sh ${device} ${direction}`,
			},
		);
	}
}

/** The outcome that was counted, the one of this packet. */
function counted(
	get: (key: number) => bigint[] | undefined,
	direction: Direction,
): Outcome {
	const found = outcomes.find((outcome) =>
		get(statsRow(direction, outcome))?.some((count) => count > 0n),
	);
	if (!found) throw new Error("the program has counted nothing");
	return found;
}
