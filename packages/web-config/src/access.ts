import { createHash, timingSafeEqual } from "node:crypto";
import { statSync } from "node:fs";
import { createSecureContext, type TlsOptions } from "node:tls";
import { compare } from "bcryptjs";
import { readWebConfig, refuseTls, type WebConfig } from "./read.js";

/** The hash that is compared for an unknown user, so that the time does not reveal it. Its password is not known. */
const UNKNOWN_USER =
	"$2b$10$abcdefghijklmnopqrstuu0123456789ABCDEFGHIJKLMNOPQRSTU";

/**
 * Access to metrics: passwords and TLS. Changed files are read again; while they have mistakes, the previous settings
 * remain.
 */
export class WebAccess {
	readonly #file: string;
	readonly #warn: (message: string) => void;
	#config: WebConfig;
	#version: string;
	/** SHA-256 of the last right user, password and hash: bcrypt takes a tenth of a second. */
	#known: Buffer | undefined;

	/** @throws Failure usage: a mistake in the files */
	constructor(file: string, warn: (message: string) => void) {
		this.#file = file;
		this.#warn = warn;
		this.#config = this.#read();
		this.#version = this.#versionNow();
	}

	get tls(): TlsOptions | undefined {
		return this.#config.tls;
	}

	/** Reads the files again where they changed. @returns whether they did */
	refresh(): boolean {
		const version = this.#versionNow();
		if (version === this.#version) return false;
		this.#version = version;
		try {
			const config = this.#read();
			if ((config.tls === undefined) !== (this.tls === undefined))
				throw new Error("TLS begins or ends with the next start");
			this.#config = config;
			this.#version = this.#versionNow();
			return true;
		} catch (error) {
			this.#warn(`${(error as Error).message}; what was read before stands`);
			return false;
		}
	}

	/** Whether a request with this `Authorization` may be answered. */
	async allows(authorization: string | undefined): Promise<boolean> {
		const { users } = this.#config;
		if (users.size === 0) return true;
		const [, encoded] = /^Basic +(\S+)$/i.exec(authorization ?? "") ?? [];
		if (encoded === undefined) return false;
		const text = Buffer.from(encoded, "base64").toString("utf8");
		const colon = text.indexOf(":");
		const hash = users.get(text.slice(0, colon));
		const sum = createHash("sha256").update(`${hash}\0${text}`).digest();
		if (this.#known && timingSafeEqual(sum, this.#known)) return true;
		const right = await compare(text.slice(colon + 1), hash ?? UNKNOWN_USER);
		if (!right || hash === undefined || colon < 0) return false;
		this.#known = sum;
		return true;
	}

	#read(): WebConfig {
		const config = readWebConfig(this.#file);
		try {
			if (config.tls) createSecureContext(config.tls);
		} catch (error) {
			refuseTls(this.#file, error);
		}
		return config;
	}

	#versionNow(): string {
		return [this.#file, ...(this.#config?.files ?? [])]
			.map((file) => {
				const stats = statSync(file, { throwIfNoEntry: false });
				return `${stats?.ino} ${stats?.mtimeMs} ${stats?.size}`;
			})
			.join();
	}
}
