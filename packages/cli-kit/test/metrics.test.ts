import { connect } from "node:net";
import test from "ava";
import { type MetricsRegistry, serveMetrics } from "../src/metrics.js";

const registry = (metrics: () => Promise<string>): MetricsRegistry => ({
	contentType: "text/plain; version=0.0.4; charset=utf-8",
	metrics,
});
const up = registry(async () => "up 1\n");

test("metrics are served at /metrics in the registry's own form", async (t) => {
	const server = await serveMetrics(up, "127.0.0.1", 0);
	t.teardown(() => server.close());
	const response = await fetch(server.url);
	t.is(response.status, 200);
	t.is(response.headers.get("content-type"), up.contentType);
	t.is(await response.text(), "up 1\n");
});

test("metrics are served on an IPv6 address", async (t) => {
	const server = await serveMetrics(up, "::1", 0);
	t.teardown(() => server.close());
	t.regex(server.url, /^http:\/\/\[::1\]:\d+\/metrics$/);
	t.is(await (await fetch(server.url)).text(), "up 1\n");
});

test("another path and another method are refused", async (t) => {
	const server = await serveMetrics(up, "127.0.0.1", 0);
	t.teardown(() => server.close());
	const elsewhere = await fetch(new URL("/", server.url));
	t.is(elsewhere.status, 404);
	t.is(await elsewhere.text(), "see /metrics\n");
	const post = await fetch(server.url, { method: "POST" });
	t.is(post.status, 405);
	t.is(post.headers.get("allow"), "GET, HEAD");
});

test("connections that ask for nothing are closed, and there are not many of them", async (t) => {
	const server = await serveMetrics(up, "127.0.0.1", 0);
	t.teardown(() => server.close());
	const { port } = new URL(server.url);
	const sockets = Array.from({ length: 130 }, (_, i) => {
		const socket = connect(Number(port), "127.0.0.1");
		// Half of them begin.
		if (i % 2) socket.write("GET /metrics HTTP/1.1\r\n");
		socket.on("error", () => {});
		socket.resume();
		return socket;
	});
	let closed = 0;
	const ends = sockets.map(
		(socket) =>
			new Promise((resolve) => {
				socket.on("close", () => resolve(++closed));
			}),
	);
	// Those above the limit at once; the others have their time.
	await Promise.race(ends);
	t.true(closed <= 30, `${closed} closed`);
	await Promise.all(ends);
	t.is(await (await fetch(server.url)).text(), "up 1\n");
});

test("metrics that cannot be collected are answered with the reason", async (t) => {
	const broken = registry(async () => {
		throw new Error("read map_nat: not permitted (EPERM)");
	});
	const server = await serveMetrics(broken, "127.0.0.1", 0);
	t.teardown(() => server.close());
	const response = await fetch(server.url);
	t.is(response.status, 503);
	t.is(await response.text(), "read map_nat: not permitted (EPERM)\n");
});

test("metrics that take too long are given up", async (t) => {
	const slow = registry(() => new Promise(() => {}));
	const server = await serveMetrics(slow, "127.0.0.1", 0, { timeout: 10 });
	t.teardown(() => server.close());
	const response = await fetch(server.url);
	t.is(response.status, 503);
	t.is(await response.text(), "not collected within 10 ms\n");
});

test("metrics that block the process for too long are given up", async (t) => {
	const blocking = registry(async () => {
		const end = performance.now() + 5;
		while (performance.now() < end);
		return "up 1\n";
	});
	const server = await serveMetrics(blocking, "127.0.0.1", 0, { timeout: 1 });
	t.teardown(() => server.close());
	t.is((await fetch(server.url)).status, 503);
});

test("a port that is taken is an error with the address", async (t) => {
	const server = await serveMetrics(up, "127.0.0.1", 0);
	t.teardown(() => server.close());
	const port = Number(new URL(server.url).port);
	const error = await t.throwsAsync(serveMetrics(up, "127.0.0.1", port));
	t.is(
		error?.message,
		`listen on 127.0.0.1:${port}: another process listens there (EADDRINUSE)`,
	);
});
