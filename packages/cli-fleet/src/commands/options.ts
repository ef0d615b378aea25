import { readFileSync } from "node:fs";
import {
	type Args,
	badInput,
	type Env,
	type OptionSpec,
	readFailure,
} from "@sluice/cli-kit";
import { machineName } from "@sluice/machine";
import { DEFAULT_PREFIX, Paths } from "../rows/paths.js";

/** Options of every command that talks to etcd. */
export const storeOptions: Readonly<Record<string, OptionSpec>> = {
	etcd: {
		type: "string",
		value: "urls",
		describe:
			"Members of etcd, separated by commas [default: $SLUICE_ETCD, else http://127.0.0.1:2379]",
	},
	ca: {
		type: "string",
		value: "file",
		describe: "Certificate of the authority that etcd's is from",
	},
	cert: {
		type: "string",
		value: "file",
		describe: "Own certificate; its common name is the user in etcd",
	},
	key: { type: "string", value: "file", describe: "Its key" },
	prefix: {
		type: "string",
		value: "path",
		describe: `Where everything is in etcd [default: ${DEFAULT_PREFIX}]`,
	},
};

/** How to reach the store, before anything of it is loaded. */
interface StoreArgs {
	endpoints: string[];
	tls: { ca: Buffer; cert: Buffer; key: Buffer } | undefined;
	paths: Paths;
}

/** @throws Failure usage */
export function storeArgs(args: Args, { vars }: Env): StoreArgs {
	const urls =
		args.optional("etcd") ?? vars.SLUICE_ETCD ?? "http://127.0.0.1:2379";
	// A password would be printed with each error.
	if (urls.includes("@"))
		throw badInput(
			"etcd must be URLs without a user; the certificate names it",
		);
	const endpoints = urls.split(",").map((url) => {
		if (/^https?:\/\/[^/,?#]+$/.test(url) && URL.canParse(url)) return url;
		throw badInput(
			`etcd must be URLs such as https://10.0.0.1:2379, separated by commas, got "${urls}"`,
		);
	});
	const names = ["ca", "cert", "key"] as const;
	const files = names.map((name) => args.optional(name));
	const given = files.filter((file) => file !== undefined);
	if (given.length > 0 && given.length < names.length)
		throw badInput("ca, cert and key are needed together");
	const isSecure = endpoints.some((url) => url.startsWith("https:"));
	if (isSecure !== given.length > 0)
		throw badInput(
			isSecure
				? "https needs --ca, --cert and --key"
				: "--ca, --cert and --key need https in --etcd",
		);
	const [ca, cert, key] = given.map((file) => readPem(file as string));
	return {
		endpoints,
		tls: ca && cert && key ? { ca, cert, key } : undefined,
		paths: new Paths(args.optional("prefix") ?? DEFAULT_PREFIX),
	};
}

function readPem(file: string): Buffer {
	try {
		return readFileSync(file);
	} catch (error) {
		throw readFailure(file, error);
	}
}

/** Milliseconds that a member has for an answer. */
const TIMEOUT = 10_000;

/** The store, loaded now: commands that only print help do without. */
export async function openStore({ endpoints, tls }: StoreArgs) {
	const { Etcd } = await import("../etcd/etcd.js");
	return new Etcd({ endpoints, tls, timeout: TIMEOUT });
}

export const machinePositional = { machine: "The name of a machine" };

export const machineArg = (args: Args) =>
	machineName("machine", args.text("machine"));

/** Timeout of agents for applying a push, in seconds. */
const WAIT = 30;

/** `--wait[=SECONDS]`. */
export const waitOption = (describe: string): OptionSpec => ({
	type: "optional",
	value: "seconds",
	describe: `${describe} [default: ${WAIT}]`,
});

export const waitArg = (args: Args) => secondsArg(args, "wait", WAIT);

/** A whole number of seconds. @throws Failure usage */
export function secondsArg(
	args: Args,
	name: string,
	byDefault: number,
): number {
	const text = args.optional(name);
	if (text === undefined) return byDefault;
	if (/^\d{1,6}$/.test(text)) return Number(text);
	throw badInput(`${name} must be a number of seconds, got "${text}"`);
}
