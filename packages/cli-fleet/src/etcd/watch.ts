import { setTimeout as sleep } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { Failure } from "@sluice/cli-kit";
import { WatchRequestSchema } from "../../generated/rpc_pb.js";
import { explain } from "./errors.js";
import { bytes, endOf, type Position, positionOf } from "./etcd.js";
import { readWrite } from "./key-value.js";
import type { Member } from "./member.js";

/** What was written since, all of one or more revisions. */
export interface Update extends Position {
	/** Value by key, without the prefix; undefined: it was deleted. In the order of the writes. */
	events: (readonly [key: string, value: string | undefined])[];
}

/** Milliseconds between two questions whether a member lives. */
const ASK = 1000;

/** Questions without an answer after which it does not. */
const MOST_SILENCE = 4;

const ask = create(WatchRequestSchema, {
	requestUnion: { case: "progressRequest", value: {} },
});

const silent = (url: string) =>
	new Failure("failed", `etcd: ${url}: no answer for ${MOST_SILENCE} s`, {
		code: "ETCD_UNREACHABLE",
	});

/** A watch cannot go on from where it was, so that all has to be listed again. */
export class WatchLost extends Error {
	override name = "WatchLost";
	readonly why: "compacted" | "restored";

	constructor(why: WatchLost["why"]) {
		super(`watch: ${why}`);
		this.why = why;
	}
}

/**
 * Writes below a prefix after a revision; an update without events shows that the connection is alive.
 *
 * @throws WatchLost the history was compacted; Failure the member is gone: continue from the last update
 */
export async function* watch(
	member: Member,
	prefix: string,
	after: Position,
	signal: AbortSignal,
): AsyncGenerator<Update> {
	const ended = new AbortController();
	const first = create(WatchRequestSchema, {
		requestUnion: {
			case: "createRequest",
			value: {
				key: bytes(prefix),
				rangeEnd: endOf(prefix),
				startRevision: after.revision + 1n,
				progressNotify: true,
			},
		},
	});
	async function* requests() {
		yield first;
		// The stream stays open until it is ended here. Each answer shows that the member is alive.
		while (!ended.signal.aborted) {
			await sleep(ASK, undefined, { signal: ended.signal }).catch(() => {});
			yield ask;
		}
	}
	let silence = 0;
	// Counted, not timed: after a long apply, answers are waiting to be read.
	const clock = setInterval(() => {
		silence++;
		if (silence < MOST_SILENCE) return;
		member.close();
		ended.abort();
	}, ASK);
	try {
		// Without a leader a member would be silent.
		const responses = member.watch.watch(requests(), {
			headers: { hasleader: "true" },
			signal: AbortSignal.any([signal, ended.signal]),
		});
		for await (const response of responses) {
			silence = 0;
			const position = positionOf(response.header);
			if (response.compactRevision > 0n) throw new WatchLost("compacted");
			if (
				response.created &&
				(position.revision < after.revision ||
					position.cluster !== after.cluster)
			)
				throw new WatchLost("restored");
			if (response.canceled)
				throw new Failure(
					"failed",
					`etcd ended the watch: ${response.cancelReason}`,
					{
						code: /permission/.test(response.cancelReason)
							? "ETCD_PERMISSION"
							: "ETCD_WATCH",
					},
				);
			yield {
				...position,
				events: response.events.map((bytes) => {
					const { key, value } = readWrite(bytes);
					return [key.slice(prefix.length), value] as const;
				}),
			};
		}
	} catch (error) {
		if (silence >= MOST_SILENCE) throw silent(member.url);
		if (!signal.aborted) throw explain(error);
	} finally {
		clearInterval(clock);
		ended.abort();
	}
}
