import { once } from "node:events";
import {
	createServer,
	type IncomingMessage,
	type RequestListener,
	type Server,
	type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TlsOptions } from "node:tls";
import { endpointText } from "@sluice/maps/address";
import type { Context } from "./context.js";
import { Failure } from "./failure.js";

/** As much of a prom-client registry as serving it takes. */
export interface MetricsRegistry {
	readonly contentType: string;
	metrics(): Promise<string>;
}

/** Who may read the metrics, and over TLS or not. */
interface MetricsAccess {
	/** Undefined: plain HTTP, for as long as the server runs. */
	readonly tls: TlsOptions | undefined;
	/** Looks whether anything has changed. @returns whether it has */
	refresh(): boolean;
	/** @param authorization the request's header of that name */
	allows(authorization: string | undefined): Promise<boolean>;
}

interface MetricsOptions {
	/** By default, everybody over plain HTTP. */
	access?: MetricsAccess | undefined;
	/** How long a request may take, reading and collecting together, in milliseconds. */
	timeout?: number;
	/** Answers other paths than `/metrics`. @returns whether it does */
	others?: Answer;
}

/** @returns whether it answers the path */
export type Answer = (
	path: string,
	request: IncomingMessage,
	response: ServerResponse,
) => boolean;

/** A listening HTTP server. */
interface MetricsServer {
	/** "http://127.0.0.1:8000/metrics"; the port is the actual one if 0 was given. */
	readonly url: string;
	/** "127.0.0.1:8000". */
	readonly endpoint: string;
	/** Stops listening and closes open connections. */
	close(): Promise<void>;
}

/** Where `serveUntilStopped` listens, and how long a request may take, in milliseconds. */
export interface Listening {
	address: string;
	port: number;
	timeout: number;
	access?: MetricsAccess | undefined;
}

/**
 * Serves a registry until SIGINT or SIGTERM.
 * @param announce says where, once it is so
 */
export async function serveUntilStopped(
	{ env }: Context,
	registry: MetricsRegistry,
	{ address, port, timeout, access }: Listening,
	announce: (url: URL, endpoint: string) => void,
	others?: Answer,
): Promise<void> {
	const server = await serveMetrics(registry, address, port, {
		timeout,
		access,
		...(others ? { others } : {}),
	});
	const signal = env.stopped?.();
	announce(new URL(server.url), server.endpoint);
	if (signal && !signal.aborted) await once(signal, "abort");
	await server.close();
}

/**
 * Serves a registry in Prometheus's text form at `/metrics`.
 * @throws Failure the address cannot be listened on.
 */
export async function serveMetrics(
	registry: MetricsRegistry,
	address: string,
	port: number,
	{ timeout = 30_000, access, others }: MetricsOptions = {},
): Promise<MetricsServer> {
	const server = makeServer(access, async (request, response) => {
		if (!(await mayAsk(access, request, response))) return;
		const path = (request.url ?? "/").split("?", 1)[0] as string;
		if (path !== "/metrics" && others?.(path, request, response)) return;
		await answer(registry, timeout, path, request, response);
	});
	server.maxConnections = MOST_CONNECTIONS;
	// Of a peer that does not read its answer, too.
	server.setTimeout(timeout + PATIENCE);
	server.listen(port, address);
	try {
		await once(server, "listening");
	} catch (cause) {
		throw listenFailure(address, port, cause);
	}
	const actual = server.address() as AddressInfo;
	const endpoint = endpointText(actual.address, actual.port);
	return {
		url: `${access?.tls ? "https" : "http"}://${endpoint}/metrics`,
		endpoint,
		async close() {
			const closed = once(server, "close");
			server.close();
			server.closeAllConnections();
			await closed;
		},
	};
}

/** How long a TLS handshake, a request or the pause between two requests may take, in milliseconds. */
const PATIENCE = 5000;
/** One Prometheus needs one; more are closed at once. */
const MOST_CONNECTIONS = 100;

const limits = {
	headersTimeout: PATIENCE,
	requestTimeout: PATIENCE,
	keepAliveTimeout: PATIENCE,
	connectionsCheckingInterval: PATIENCE / 10,
};

function makeServer(
	access: MetricsAccess | undefined,
	handle: RequestListener,
): Server {
	if (!access?.tls) return createServer(limits, handle);
	const server = createTlsServer(
		{ ...access.tls, ...limits, handshakeTimeout: PATIENCE },
		handle,
	);
	// Before the handshake, which may need another certificate by now.
	server.prependListener("connection", () => {
		if (access.refresh() && access.tls) server.setSecureContext(access.tls);
	});
	// A peer without TLS.
	server.on("tlsClientError", (_, socket) => socket.destroy());
	return server;
}

/** Whether the sender of a request is authorized; answers it if not. */
async function mayAsk(
	access: MetricsAccess | undefined,
	request: IncomingMessage,
	response: ServerResponse,
): Promise<boolean> {
	if (!access) return true;
	if (!access.tls) access.refresh();
	if (await access.allows(request.headers.authorization)) return true;
	plain(response.setHeader("WWW-Authenticate", "Basic"), 401, "Unauthorized");
	return false;
}

async function answer(
	registry: MetricsRegistry,
	timeout: number,
	path: string,
	request: IncomingMessage,
	response: ServerResponse,
): Promise<void> {
	if (path !== "/metrics") return plain(response, 404, "see /metrics");
	if (request.method !== "GET" && request.method !== "HEAD")
		return plain(response.setHeader("Allow", "GET, HEAD"), 405, "only GET");
	try {
		const text = await within(() => registry.metrics(), timeout);
		response.writeHead(200, { "Content-Type": registry.contentType });
		response.end(request.method === "HEAD" ? undefined : text);
	} catch (error) {
		plain(response, 503, (error as Error).message);
	}
}

function plain(response: ServerResponse, status: number, text: string): void {
	response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" });
	response.end(`${text}\n`);
}

async function within<T>(
	collect: () => Promise<T>,
	milliseconds: number,
): Promise<T> {
	const start = performance.now();
	const late = () => new Error(`not collected within ${milliseconds} ms`);
	let timer: NodeJS.Timeout | undefined;
	const timeout = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(late()), milliseconds);
	});
	try {
		const value = await Promise.race([collect(), timeout]);
		// Reading tables does not yield, so the timer cannot fire meanwhile.
		if (performance.now() - start > milliseconds) throw late();
		return value;
	} finally {
		clearTimeout(timer);
	}
}

const causes: Record<string, string> = {
	EADDRINUSE: "another process listens there",
	EADDRNOTAVAIL: "not an address of this host",
	ENOTFOUND: "no such host",
	EAI_AGAIN: "the name cannot be resolved now",
	EACCES: "not permitted",
};

function listenFailure(address: string, port: number, cause: unknown): Failure {
	const { code = "EIO" } = cause as NodeJS.ErrnoException;
	const because = causes[code];
	return new Failure(
		"failed",
		`listen on ${endpointText(address, port)}: ${because ? `${because} (${code})` : code}`,
		{ code, cause },
	);
}
