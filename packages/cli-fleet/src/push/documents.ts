import { badInput, type Env, readText, values } from "@sluice/cli-kit";
import { Mistakes, readDocument } from "@sluice/document";
import {
	API_VERSION,
	type Machine,
	machineName,
	Reader,
	readContent,
	socketAddress,
} from "@sluice/machine";

/** What one push is about. */
export interface Documents {
	machines: Machine[];
	links: Link[];
}

/** Both ends of a tunnel with one service in it. */
export interface Link {
	name: string;
	gateway: End;
	/** Where the backend runs. */
	node: End;
	protocol: "tcp" | "udp";
	/** ADDRESS:PORT where clients connect to. */
	proxy: string;
	backend: string;
}

export interface End {
	machine: string;
	/** ADDRESS:PORT on which it has the packets of the tunnel. */
	address: string;
}

/**
 * Reads files with documents, each of a machine or a link.
 * @throws Failure usage: every mistake with its place
 */
export function readDocuments(files: readonly string[], env: Env): Documents {
	const documents: Documents = { machines: [], links: [] };
	for (const file of files) readOne(file, readText(file, env), documents);
	refuseTwice("machine", documents.machines);
	refuseTwice("link", documents.links);
	return documents;
}

function readOne(file: string, text: string, to: Documents): void {
	const mistakes = new Mistakes(file, true);
	const source = readDocument(text, mistakes);
	const { kind } = (source.content ?? {}) as { kind?: unknown };
	if (kind !== "Link") {
		to.machines.push(readContent(file, source).machine);
		return;
	}
	const link = linkOf(source.content, new Reader(mistakes));
	mistakes.throwIfAny(source.positionAt);
	to.links.push(link as Link);
}

function linkOf(content: unknown, reader: Reader): Link | undefined {
	const top = reader.mapping(
		content,
		[],
		[
			...["apiVersion", "kind", "metadata", "gateway", "node"],
			...["protocol", "proxy", "backend"],
		],
	);
	if (!top) return undefined;
	if (top.apiVersion !== API_VERSION)
		reader.wrong(["apiVersion"], `expected ${API_VERSION}`);
	const metadata = reader.mapping(top.metadata, ["metadata"], ["name"]);
	const name = metadata
		? reader.text(metadata, "name", ["metadata"], machineName)
		: undefined;
	const end = (key: "gateway" | "node"): End | undefined => {
		const fields = reader.mapping(top[key], [key], ["machine", "address"]);
		if (!fields) return undefined;
		const machine = reader.text(fields, "machine", [key], machineName);
		const address = reader.text(fields, "address", [key], endpoint);
		return machine && address ? { machine, address } : undefined;
	};
	const gateway = end("gateway");
	const node = end("node");
	const protocol = reader.text(top, "protocol", [], values.protocol);
	const proxy = reader.text(top, "proxy", [], endpoint);
	const backend = reader.text(top, "backend", [], endpoint);
	if (gateway && gateway.machine === node?.machine)
		reader.wrong(["node"], "must be another machine than the gateway");
	if (!name || !gateway || !node || !protocol || !proxy || !backend)
		return undefined;
	return { name, gateway, node, protocol, proxy, backend };
}

/** As it is written, where it is an endpoint. @throws Failure usage */
function endpoint(name: string, text: string): string {
	socketAddress(name, text);
	return text;
}

function refuseTwice(kind: string, list: readonly { name: string }[]): void {
	const seen = new Set<string>();
	for (const { name } of list)
		if (seen.has(name)) throw badInput(`${kind} "${name}" is given twice`);
		else seen.add(name);
}
