import { readFileSync } from "node:fs";
import type { Args, OptionSpec } from "./command.js";
import { duration } from "./duration.js";
import { badInput, wrongValue } from "./failure.js";
import * as values from "./values.js";

/** Of a command that listens. */
export const listenPositionals = {
	address:
		"The address or host name to listen on; an empty one is every address",
	port: "The port to listen on, or the name of a service; 0 takes a free port and prints it",
} as const;

const DEFAULT_TIMEOUT = "30s";

/** Of a command that serves metrics. */
export const metricsOptions = {
	// Named as in Prometheus's exporters.
	"web.config.file": {
		type: "string",
		value: "file",
		describe:
			"File with TLS and passwords, in the format of Prometheus's exporters (tls_server_config, basic_auth_users)",
	},
	timeout: {
		type: "string",
		describe: `How long a request may take [default: ${DEFAULT_TIMEOUT}]`,
	},
} as const satisfies Record<string, OptionSpec>;

/** Where to listen, and how to serve metrics there; the timeout in milliseconds. @throws Failure usage */
export function metricsArgs(args: Args) {
	const text = args.optional("timeout") ?? DEFAULT_TIMEOUT;
	const timeout = duration("timeout", text);
	if (timeout <= 0) throw wrongValue("timeout", "must be more than 0", text);
	return {
		address: host("address", args.text("address")),
		port: servicePort("port", args.text("port")),
		webConfig: args.optional("web.config.file"),
		timeout,
	};
}

/** Sockets and streams take milliseconds to load, so they are loaded when a program listens. */
const net = () => process.getBuiltinModule("node:net");

/** An IP address, one in brackets, or a host name; an empty text is `::`, every address of both families. */
export function host(name: string, text: string): string {
	if (text === "") return "::";
	const inner = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
	if (net().isIP(inner)) return inner;
	// A name that is all digits and dots is a mistyped address.
	if (/^(?![\d.]*$)[a-z\d]([a-z\d._-]{0,252})$/i.test(text)) return text;
	throw badInput(`${name} must be an IP address or a host name, got "${text}"`);
}

/** A port in host order: 0 to 65535, or the name of a TCP service in /etc/services. */
export function servicePort(name: string, text: string): number {
	if (!/^[a-z]/i.test(text)) return values.port(name, text);
	const port = serviceNamed(text);
	if (port !== undefined) return port;
	throw badInput(
		`${name} must be an integer from 0 to 65535 or a service of /etc/services, got "${text}"`,
	);
}

/** services(5): a name, `port/protocol`, and other names. */
function serviceNamed(wanted: string): number | undefined {
	for (const line of servicesFile().split("\n")) {
		const [name, port = "", ...aliases] = line.replace(/#.*/, "").split(/\s+/);
		if (port.endsWith("/tcp") && [name, ...aliases].includes(wanted))
			return Number.parseInt(port, 10);
	}
	return undefined;
}

function servicesFile(): string {
	try {
		return readFileSync("/etc/services", "utf8");
	} catch {
		return "";
	}
}
