import { type Client, createClient } from "@connectrpc/connect";
import {
	createGrpcTransport,
	Http2SessionManager,
} from "@connectrpc/connect-node";
import { Auth, KV, Lease, Watch } from "../../generated/rpc_pb.js";
import { isElsewhere } from "./errors.js";

/** PEM, as etcd's own client takes them. */
export interface Tls {
	ca: Buffer;
	cert: Buffer;
	key: Buffer;
}

/** One member of etcd's cluster, with its connection. */
export class Member {
	readonly url: string;
	readonly kv: Client<typeof KV>;
	readonly watch: Client<typeof Watch>;
	readonly lease: Client<typeof Lease>;
	readonly auth: Client<typeof Auth>;
	readonly #sessions: Http2SessionManager;

	constructor(url: string, tls: Tls | undefined) {
		this.url = url;
		// Without HTTP/2 pings: a late one in a busy process ends the process. Calls have a timeout, and a watch requests progress.
		this.#sessions = new Http2SessionManager(url, {}, tls);
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

	/** Whether it answers at all within so many milliseconds; a refusal is an answer. */
	async isAlive(milliseconds: number): Promise<boolean> {
		try {
			// From its own memory: what it answers does not matter.
			await this.kv.range(
				{ key: Uint8Array.of(0), serializable: true },
				{ timeoutMs: milliseconds },
			);
			return true;
		} catch (error) {
			return !isElsewhere(error);
		}
	}

	/** Ends the connection; the next call would make a new one. */
	close(): void {
		const end = () => this.#sessions.abort();
		// An error of a connection that is ended while it is made has no listener, and would end the process.
		if (this.#sessions.state() === "connecting")
			this.#sessions.connect().then(end, end);
		else end();
	}
}
