import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** An authority, and certificates from it. */
export class Certificates {
	readonly directory = mkdtempSync(path.join(tmpdir(), "fleet-tls-"));
	readonly ca = path.join(this.directory, "ca.pem");

	readonly #address: string;

	/** @param address of servers */
	constructor(address = "127.0.0.1") {
		this.#address = address;
		this.#openssl(
			...[
				"req",
				"-x509",
				"-newkey",
				"ec",
				"-pkeyopt",
				"ec_paramgen_curve:P-256",
			],
			...["-nodes", "-keyout", this.#file("ca.key"), "-out", this.ca],
			...["-days", "1", "-subj", "/CN=fleet"],
		);
	}

	/**
	 * A certificate for a user, or for a server.
	 * @param seconds it is valid for; a day by default
	 */
	make(name: string, seconds?: number): { cert: string; key: string } {
		const [cert, key, csr, extensions] = [".pem", ".key", ".csr", ".ext"].map(
			(end) => this.#file(name + end),
		) as [string, string, string, string];
		this.#openssl(
			...["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
			...["-nodes", "-keyout", key, "-out", csr, "-subj", `/CN=${name}`],
		);
		writeFileSync(
			extensions,
			`subjectAltName=IP:${this.#address}\nextendedKeyUsage=serverAuth,clientAuth\n`,
		);
		const at = (date: Date) =>
			`${date.toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`;
		const now = Date.now();
		this.#openssl(
			...["x509", "-req", "-in", csr, "-CA", this.ca],
			...["-CAkey", this.#file("ca.key"), "-CAcreateserial", "-out", cert],
			...["-extfile", extensions, "-days", "1"],
		);
		if (seconds !== undefined) {
			// "x509 -req" counts in days alone.
			writeFileSync(this.#file("index"), "");
			writeFileSync(this.#file("serial"), "1000\n");
			writeFileSync(
				this.#file("ca.cnf"),
				`[ca]\ndefault_ca=a\n[a]\ndatabase=${this.#file("index")}\nserial=${this.#file("serial")}\nnew_certs_dir=${this.directory}\ndefault_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n`,
			);
			this.#openssl(
				...["ca", "-batch", "-config", this.#file("ca.cnf"), "-in", csr],
				...["-cert", this.ca, "-keyfile", this.#file("ca.key"), "-out", cert],
				...["-extfile", extensions, "-notext"],
				...["-startdate", at(new Date(now - 60_000))],
				...["-enddate", at(new Date(now + 1000 * seconds))],
			);
		}
		return { cert, key };
	}

	close(): void {
		rmSync(this.directory, { recursive: true });
	}

	#file = (name: string) => path.join(this.directory, name);

	#openssl(...args: string[]): void {
		execFileSync("openssl", args, { stdio: "pipe" });
	}
}
