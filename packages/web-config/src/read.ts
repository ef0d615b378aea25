import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { SecureVersion, TlsOptions } from "node:tls";
import { badInput, fileCause, readText } from "@sluice/cli-kit";
import { Mistakes, type Path, readDocument } from "@sluice/document";

/** The content of the file. */
export interface WebConfig {
	/** For node:https; undefined: plain HTTP. */
	tls: TlsOptions | undefined;
	/** bcrypt hashes by user; none: no password is needed. */
	users: ReadonlyMap<string, string>;
	/** The other files that were read. */
	files: readonly string[];
}

const versions: Record<string, SecureVersion> = {
	TLS10: "TLSv1",
	TLS11: "TLSv1.1",
	TLS12: "TLSv1.2",
	TLS13: "TLSv1.3",
};

/** As crypto/tls of Go names them: whether a client certificate is requested, required, and verified. */
const clientAuth: Record<string, [ask: boolean, must: boolean]> = {
	NoClientCert: [false, false],
	RequestClientCert: [true, false],
	RequireAndVerifyClientCert: [true, true],
};

const fields = {
	"": ["tls_server_config", "http_server_config", "basic_auth_users"],
	tls_server_config: [
		...["cert_file", "key_file", "client_ca_file", "client_auth_type"],
		...["min_version", "max_version"],
	],
	http_server_config: ["http2"],
} as const;

type Fields = Record<string, unknown>;

/**
 * Reads the web configuration of Prometheus's exporters, as far as a server of metrics has a use for it: `http2` is
 * accepted, and HTTP/1.1 served.
 *
 * @throws Failure usage: a mistake, with its line
 */
export function readWebConfig(file: string): WebConfig {
	const mistakes = new Mistakes(file);
	const { content, positionAt } = readDocument(
		readText(file, { input: () => "" }),
		mistakes,
	);
	const reader = new Reader(file, mistakes);
	const top = reader.fieldsOf(content ?? {}, [], fields[""]);
	const tls = reader.tls(top.tls_server_config);
	reader.http(top.http_server_config);
	const users = reader.users(top.basic_auth_users);
	mistakes.throwIfAny(positionAt);
	return { tls, users, files: reader.files };
}

class Reader {
	readonly files: string[] = [];
	readonly #file: string;
	readonly #mistakes: Mistakes;

	constructor(file: string, mistakes: Mistakes) {
		this.#file = file;
		this.#mistakes = mistakes;
	}

	/** A mapping with no other fields than these. */
	fieldsOf(value: unknown, path: Path, known?: readonly string[]): Fields {
		if (typeof value !== "object" || value === null || Array.isArray(value)) {
			this.#mistakes.add(path, "expected a mapping");
			return {};
		}
		for (const name of Object.keys(value))
			if (known && !known.includes(name))
				this.#mistakes.add(
					[...path, name],
					`unknown field "${name}"; there are ${known.join(", ")}`,
				);
		return value as Fields;
	}

	http(value: unknown): void {
		if (value == null) return;
		const path = ["http_server_config"];
		const { http2 } = this.fieldsOf(value, path, fields.http_server_config);
		if (http2 !== undefined && typeof http2 !== "boolean")
			this.#mistakes.add([...path, "http2"], "expected true or false");
	}

	users(value: unknown): Map<string, string> {
		if (value == null) return new Map();
		const path = ["basic_auth_users"];
		const users = Object.entries(this.fieldsOf(value, path));
		for (const [name, hash] of users)
			if (typeof hash !== "string" || !/^\$2[aby]\$\d\d\$.{53}$/.test(hash))
				this.#mistakes.add(
					[...path, name],
					`expected a bcrypt hash, as htpasswd -nBC 10 "" prints it`,
				);
		return new Map(users as [string, string][]);
	}

	tls(value: unknown): TlsOptions | undefined {
		if (value == null) return undefined;
		const path = ["tls_server_config"];
		const set = this.fieldsOf(value, path, fields.tls_server_config);
		for (const name of ["cert_file", "key_file"])
			if (set[name] === undefined)
				this.#mistakes.add(path, `${name} is missing`);
		const oneOf = <T>(
			name: string,
			of: Record<string, T>,
			otherwise: string,
		) => {
			const chosen = of[String(set[name] ?? otherwise)];
			if (chosen === undefined)
				this.#mistakes.add(
					[...path, name],
					`expected one of ${Object.keys(of).join(", ")}, got "${set[name]}"`,
				);
			return chosen;
		};
		const minVersion = oneOf("min_version", versions, "TLS12");
		const maxVersion = oneOf("max_version", versions, "TLS13");
		const [ask, must] = oneOf(
			"client_auth_type",
			clientAuth,
			"NoClientCert",
		) ?? [false, false];
		if (must && set.client_ca_file === undefined)
			this.#mistakes.add(path, "client_ca_file is missing");
		const cert = this.#read(path, "cert_file", set);
		const key = this.#read(path, "key_file", set);
		const ca = this.#read(path, "client_ca_file", set);
		return {
			...(cert ? { cert } : {}),
			...(key ? { key } : {}),
			...(ca ? { ca } : {}),
			...(minVersion ? { minVersion } : {}),
			...(maxVersion ? { maxVersion } : {}),
			requestCert: ask,
			rejectUnauthorized: must,
		};
	}

	/** The content of a file that a field names, relative to the configuration. */
	#read(path: Path, name: string, set: Fields): Buffer | undefined {
		const value = set[name];
		if (value === undefined) return undefined;
		if (typeof value !== "string") {
			this.#mistakes.add([...path, name], "expected the name of a file");
			return undefined;
		}
		const file = resolve(dirname(this.#file), value);
		this.files.push(file);
		try {
			return readFileSync(file);
		} catch (error) {
			this.#mistakes.add(
				[...path, name],
				`${file} cannot be read: ${fileCause(error)}`,
			);
			return undefined;
		}
	}
}

/** @throws Failure usage: the certificate, the key or the authorities are none */
export function refuseTls(file: string, cause: unknown): never {
	throw badInput(`${file}: tls_server_config: ${(cause as Error).message}`);
}
