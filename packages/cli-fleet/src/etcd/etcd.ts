import { create } from "@bufbuild/protobuf";
import { type CallOptions, Code, ConnectError } from "@connectrpc/connect";
import {
	type Compare,
	Compare_CompareResult,
	Compare_CompareTarget,
	CompareSchema,
	type RequestOp,
	RequestOpSchema,
	type ResponseHeader,
} from "../../generated/rpc_pb.js";
import { explain, isElsewhere, isLate } from "./errors.js";
import { type KeyValue, readKeyValue, readRow } from "./key-value.js";
import { Member, type Tls } from "./member.js";

/** How etcd is reached. */
interface EtcdOptions {
	/** URLs of its members, "https://10.0.0.1:2379". */
	endpoints: readonly string[];
	tls: Tls | undefined;
	/** Milliseconds that a call may take. */
	timeout?: number;
}

/** Where a store stood. */
export interface Position {
	/** The revision, which only ever grows, but for a store restored from a backup. */
	revision: bigint;
	/** Of the cluster: another one counts other revisions. */
	cluster: string;
}

export interface Listing extends Position {
	/** Values by key, without the prefix. */
	rows: Map<string, string>;
}

/** Keys in one answer: few calls, and none that holds the store up for long. */
const PAGE = 5000;

const DEFAULT_TIMEOUT = 5000;

/** Milliseconds between two checks whether the member of a pending call is alive. */
const PATIENCE = 1000;

/** Timeout of such a check, in milliseconds. */
const ANSWER = 2000;

/** Operations in one transaction: the server's default limit. */
export const MOST_OPERATIONS = 128;

/**
 * etcd v3, as much of it as is used here. A call is made at the member that answered last; where that cannot be reached,
 * at the next.
 */
export class Etcd {
	readonly #members: readonly Member[];
	readonly #timeout: number;
	#current = 0;

	constructor({ endpoints, tls, timeout = DEFAULT_TIMEOUT }: EtcdOptions) {
		this.#members = endpoints.map((url) => new Member(url, tls));
		this.#timeout = timeout;
	}

	/** The member that calls are made at. */
	get member(): Member {
		return this.#members[this.#current] as Member;
	}

	/** Goes on to the member after this one, where calls are still made at it. */
	leave(member: Member): void {
		if (member !== this.member) return;
		this.#current = (this.#current + 1) % this.#members.length;
	}

	/**
	 * Tries a call at each member twice: all writes may be repeated.
	 * @throws Failure the error of etcd, or no member answered
	 */
	async call<T>(
		act: (member: Member, options: CallOptions) => Promise<T>,
	): Promise<T> {
		const refusals = new Set<string>();
		for (let tries = 0; tries < 2 * this.#members.length; tries++) {
			const { member } = this;
			try {
				return await this.#callAt(member, act);
			} catch (error) {
				if (!isElsewhere(error)) throw explain(error);
				// The connection may be to a dead host.
				if (isLate(error)) member.close();
				refusals.add(
					`${member.url}: ${ConnectError.from(error).rawMessage || Code[ConnectError.from(error).code]}`,
				);
				this.leave(member);
			}
		}
		throw explain(new ConnectError([...refusals].join(", "), Code.Unavailable));
	}

	/** Calls one member, and aborts the call before its timeout if the member is not alive. */
	async #callAt<T>(
		member: Member,
		act: (member: Member, options: CallOptions) => Promise<T>,
	): Promise<T> {
		const timeoutMs = this.#timeout;
		if (this.#members.length === 1) return act(member, { timeoutMs });
		const silent = new AbortController();
		const clock = setInterval(async () => {
			if (!(await member.isAlive(ANSWER))) silent.abort();
		}, PATIENCE);
		try {
			return await act(member, { timeoutMs, signal: silent.signal });
		} catch (error) {
			if (!silent.signal.aborted) throw error;
			throw new ConnectError("no answer", Code.DeadlineExceeded);
		} finally {
			clearInterval(clock);
		}
	}

	/** All keys below a prefix, at one revision. */
	async list(prefix: string): Promise<Listing> {
		const rows: Listing["rows"] = new Map();
		const rangeEnd = endOf(prefix);
		let key = bytes(prefix);
		let header: ResponseHeader | undefined;
		for (;;) {
			const page = await this.call(({ kv }, options) =>
				kv.range(
					{
						key,
						rangeEnd,
						limit: BigInt(PAGE),
						revision: header?.revision ?? 0n,
					},
					options,
				),
			);
			header ??= page.header;
			let last = "";
			for (const one of page.kvs) {
				const { key, value } = readRow(one);
				last = key;
				rows.set(key.slice(prefix.length), value);
			}
			if (!page.more) break;
			key = bytes(`${last}\0`);
		}
		return { rows, ...positionOf(header) };
	}

	/** Reads one key. @param revision to read at; 0: the latest @returns undefined if it does not exist */
	async get(key: string, revision = 0n): Promise<KeyValue | undefined> {
		return (await this.getMany([key], revision)).get(key);
	}

	/** Reads keys at a revision, as `get`. Those that do not exist are left out. */
	async getMany(
		keys: readonly string[],
		revision = 0n,
	): Promise<Map<string, KeyValue>> {
		const found = new Map<string, KeyValue>();
		for (let from = 0; from < keys.length; from += MOST_OPERATIONS) {
			const part = keys.slice(from, from + MOST_OPERATIONS);
			const { responses } = await this.call(({ kv }, options) =>
				kv.txn({ success: part.map((key) => getOf(key, revision)) }, options),
			);
			for (const { response } of responses)
				if (response.case === "responseRange")
					for (const bytes of response.value.kvs) {
						const one = readKeyValue(bytes);
						found.set(one.key, one);
					}
		}
		return found;
	}

	/** @returns whether all comparisons held, so that all operations were carried out */
	async transact(
		compare: readonly Compare[],
		success: readonly RequestOp[],
	): Promise<boolean> {
		const { succeeded } = await this.call(({ kv }, options) =>
			kv.txn({ compare: [...compare], success: [...success] }, options),
		);
		return succeeded;
	}

	async put(key: string, value: string, lease = 0n): Promise<void> {
		await this.transact([], [putOf(key, value, lease)]);
	}

	/** Ends all connections. */
	close(): void {
		for (const member of this.#members) member.close();
	}
}

/** @throws where the server left the header out, which it never does */
export function positionOf(header: ResponseHeader | undefined): Position {
	if (!header) throw new Error("an answer of etcd without a header");
	return {
		revision: header.revision,
		cluster: header.clusterId.toString(16),
	};
}

const encoder = new TextEncoder();
export const bytes = (key: string) => encoder.encode(key);

/** The end of the range of all keys with a prefix. */
export function endOf(prefix: string): Uint8Array {
	const end = bytes(prefix);
	end[end.length - 1] = (end.at(-1) as number) + 1;
	return end;
}

const getOf = (key: string, revision: bigint) =>
	create(RequestOpSchema, {
		request: { case: "requestRange", value: { key: bytes(key), revision } },
	});

export const putOf = (
	key: string,
	value: string | Uint8Array,
	lease = 0n,
): RequestOp =>
	create(RequestOpSchema, {
		request: {
			case: "requestPut",
			value: {
				key: bytes(key),
				value: typeof value === "string" ? bytes(value) : value,
				lease,
			},
		},
	});

export const deleteOf = (key: string): RequestOp =>
	create(RequestOpSchema, {
		request: { case: "requestDeleteRange", value: { key: bytes(key) } },
	});

/** Deletes keys from the first up to the second, without it. */
export const deleteRangeOf = (from: string, to: string): RequestOp =>
	create(RequestOpSchema, {
		request: {
			case: "requestDeleteRange",
			value: { key: bytes(from), rangeEnd: bytes(to) },
		},
	});

/** That a key was written last by this revision; 0: that it is not there. */
export const unchangedSince = (key: string, revision: bigint): Compare =>
	create(CompareSchema, {
		key: bytes(key),
		result: Compare_CompareResult.Equal,
		target: Compare_CompareTarget.Mod,
		targetUnion: { case: "modRevision", value: revision },
	});
