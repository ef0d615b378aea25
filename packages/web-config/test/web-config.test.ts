import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TLSSocket } from "node:tls";
import { serveMetrics } from "@sluice/cli-kit/metrics";
import test, { type ExecutionContext } from "ava";
import { hashSync } from "bcryptjs";
import { WebAccess } from "../src/index.js";

const registry = {
	contentType: "text/plain",
	metrics: async () => "up 1\n",
};

function directory(t: ExecutionContext): string {
	const made = mkdtempSync(path.join(tmpdir(), "web-config-"));
	t.teardown(() => rmSync(made, { recursive: true }));
	return made;
}

/** Serves by a file of this text. @returns the address, and the warnings */
async function serving(t: ExecutionContext, at: string, text: string) {
	const file = path.join(at, "web.yml");
	writeFileSync(file, text);
	const warnings: string[] = [];
	const access = new WebAccess(file, (message) => warnings.push(message));
	const server = await serveMetrics(registry, "127.0.0.1", 0, { access });
	t.teardown(() => server.close());
	return { url: server.url, file, warnings };
}

/** The status for a user and a password. */
async function statusFor(url: string, login?: string): Promise<number> {
	const headers = login
		? { authorization: `Basic ${Buffer.from(login).toString("base64")}` }
		: {};
	const response = await fetch(url, { headers });
	if (response.status === 401)
		return response.headers.get("www-authenticate") === "Basic" ? 401 : 0;
	return response.status;
}

/** A certificate for 127.0.0.1, signed by its own key, with this name. */
function certificate(at: string, name: string): void {
	execFileSync(
		"openssl",
		[
			...["req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"],
			...["-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", `/CN=${name}`],
			...["-addext", "subjectAltName=IP:127.0.0.1"],
			...[
				"-keyout",
				path.join(at, "key.pem"),
				"-out",
				path.join(at, "cert.pem"),
			],
		],
		{ stdio: "ignore" },
	);
}

/** Reads metrics over TLS. @returns the text, and the name of the server's certificate */
const overTls = (url: string, at: string) =>
	new Promise<{ text: string; name: string }>((resolve, reject) => {
		const ca = readFileSync(path.join(at, "cert.pem"));
		get(url, { ca, agent: false }, async (response) => {
			const { subject } = (response.socket as TLSSocket).getPeerCertificate();
			let text = "";
			for await (const part of response) text += part;
			resolve({ text, name: String(subject.CN) });
		}).on("error", reject);
	});

test("a user needs the right password", async (t) => {
	const users = `basic_auth_users:\n  prometheus: ${hashSync("s3cret", 4)}\n`;
	const { url, file } = await serving(t, directory(t), users);
	t.is(await statusFor(url), 401);
	t.is(await statusFor(url, "prometheus:wrong"), 401);
	t.is(await statusFor(url, "nobody:s3cret"), 401);
	t.is(await statusFor(url, "prometheus"), 401);
	for (let times = 0; times < 2; times++)
		t.is(await statusFor(url, "prometheus:s3cret"), 200);
	// The file as it is now counts.
	writeFileSync(file, users.replace("prometheus", "somebody"));
	t.is(await statusFor(url, "prometheus:s3cret"), 401);
	t.is(await statusFor(url, "somebody:s3cret"), 200);
});

test("a file that becomes wrong changes nothing", async (t) => {
	const users = `basic_auth_users: { a: "${hashSync("b", 4)}" }\n`;
	const { url, file, warnings } = await serving(t, directory(t), users);
	writeFileSync(file, "basic_auth_users: { a: b }\n");
	t.is(await statusFor(url, "a:b"), 200);
	t.is(await statusFor(url), 401);
	t.deepEqual(warnings, [
		`${file}:1: expected a bcrypt hash, as htpasswd -nBC 10 "" prints it; what was read before stands`,
	]);
});

test("metrics are served over TLS, by the certificate that is there now", async (t) => {
	const at = directory(t);
	certificate(at, "first");
	const { url } = await serving(
		t,
		at,
		"tls_server_config: { cert_file: cert.pem, key_file: key.pem }\n",
	);
	t.true(url.startsWith("https://"));
	t.deepEqual(await overTls(url, at), { text: "up 1\n", name: "first" });
	await t.throwsAsync(fetch(url.replace("https", "http")));
	certificate(at, "second");
	t.deepEqual(await overTls(url, at), { text: "up 1\n", name: "second" });
});

test("a client's certificate may be required", async (t) => {
	const at = directory(t);
	certificate(at, "both");
	const { url } = await serving(
		t,
		at,
		`tls_server_config:
  cert_file: cert.pem
  key_file: key.pem
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: cert.pem
`,
	);
	await t.throwsAsync(overTls(url, at));
});

test("what is wrong with a file is said by line", (t) => {
	const at = directory(t);
	const file = path.join(at, "web.yml");
	const refused = (text: string, ...lines: string[]) => {
		writeFileSync(file, text);
		const error = t.throws(() => new WebAccess(file, () => {}));
		t.is(error?.message, lines.map((line) => `${file}:${line}`).join("\n"));
	};
	refused(
		"tls_server_config:\n  cert_file: none.pem\n",
		"1: key_file is missing",
		`2: ${at}/none.pem cannot be read: no such file (ENOENT)`,
	);
	refused(
		"http_server_config: { http2: 2 }\nrate_limit: {}\n",
		"1: expected true or false",
		'2: unknown field "rate_limit"; there are tls_server_config, http_server_config, basic_auth_users',
	);
	writeFileSync(path.join(at, "none.pem"), "x");
	writeFileSync(
		file,
		"tls_server_config: { cert_file: none.pem, key_file: none.pem }\n",
	);
	t.throws(() => new WebAccess(file, () => {}), {
		message: /^\S+web\.yml: tls_server_config: .*(PEM|no start line)/,
	});
});
