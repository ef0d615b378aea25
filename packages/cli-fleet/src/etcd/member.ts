import { type Client, createClient } from "@connectrpc/connect";
import {
	createGrpcTransport,
	Http2SessionManager,
} from "@connectrpc/connect-node";
import { Auth, KV, Lease, Watch } from "../../generated/rpc_pb.js";

/** PEM, as etcd's own client takes them. */
export interface Tls {
	ca: Buffer;
	cert: Buffer;
	key: Buffer;
}

/** Milliseconds after which a silent connection is asked for a sign of life, and until it must have answered. */
const PING_INTERVAL = 2000;
const PING_TIMEOUT = 2000;

/** One member of etcd's cluster, over a connection of its own. */
export class Member {
	readonly url: string;
	readonly kv: Client<typeof KV>;
	readonly watch: Client<typeof Watch>;
	readonly lease: Client<typeof Lease>;
	readonly auth: Client<typeof Auth>;
	readonly #sessions: Http2SessionManager;

	constructor(url: string, tls: Tls | undefined) {
		this.url = url;
		this.#sessions = new Http2SessionManager(
			url,
			{ pingIntervalMs: PING_INTERVAL, pingTimeoutMs: PING_TIMEOUT },
			tls,
		);
		const transport = createGrpcTransport({
			baseUrl: url,
			sessionManager: this.#sessions,
			// The network is quicker than the compression.
			acceptCompression: [],
		});
		this.kv = createClient(KV, transport);
		this.watch = createClient(Watch, transport);
		this.lease = createClient(Lease, transport);
		this.auth = createClient(Auth, transport);
	}

	close(): void {
		this.#sessions.abort();
	}
}
