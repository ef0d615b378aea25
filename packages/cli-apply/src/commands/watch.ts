import { watch as watchFolder } from "node:fs";
import { basename, dirname } from "node:path";
import {
	badInput,
	type Context,
	command,
	Failure,
	toJson,
} from "@sluice/cli-kit";
import { fileDigest, type Options, perform } from "@sluice/machine";
import { printResult } from "../print-result.js";
import { applyOptions, inputOf, optionsOf } from "./options.js";

/** Milliseconds without a change before a file is read: it may be written in parts. */
const QUIET = 100;

/** Milliseconds until a right document is tried again that this machine could not take. */
const RETRY = 2000;

export const watch = command({
	usage: "watch <file>",
	summary:
		"Apply a document now and after each change of its file, until stopped",
	positionals: {
		file: "The document; it may be a link that is replaced, as Kubernetes does",
	},
	options: applyOptions,
	examples: [
		["watch /etc/sluice/machine.yaml", "In a container, with a ConfigMap"],
	],
	parse(args) {
		const file = args.text("file");
		if (file === "-") throw badInput("watch needs a file, got -");
		return { file, options: optionsOf(args, false) };
	},
	run: ({ file, options }, context) => watchFile(file, options, context),
});

async function watchFile(
	file: string,
	options: Options,
	context: Context,
): Promise<void> {
	const { env } = context;
	const stopped = env.stopped?.();
	let seen: Buffer | undefined;
	let timer: NodeJS.Timeout | undefined;
	let reported = "";
	const look = () => {
		try {
			const input = inputOf(file, env);
			const digest = fileDigest(input.bytes);
			if (seen && digest.equals(seen)) return;
			seen = digest;
			printResult(perform(input, options, context), "watch", context);
			reported = "";
		} catch (error) {
			const message = messageOf(error, context);
			if (message !== reported) env.err(message);
			reported = message;
			if (error instanceof Failure && error.kind === "usage") return;
			// An interface may come yet, and another writer may end.
			seen = undefined;
			clearTimeout(timer);
			timer = setTimeout(next, RETRY);
		}
	};
	let next = () => {};
	// The folder, since a file that is replaced is another one. Of a ConfigMap, the link `..data` beside it changes.
	const watcher = watchFolder(dirname(file));
	await new Promise<void>((resolve, reject) => {
		// One after the other.
		let last = Promise.resolve();
		next = () => {
			last = last.then(look).catch(reject);
		};
		watcher.on("error", reject);
		watcher.on("change", (_, name) => {
			if (name !== basename(file) && !String(name).startsWith("..")) return;
			clearTimeout(timer);
			timer = setTimeout(next, QUIET);
		});
		stopped?.addEventListener("abort", () => resolve(), { once: true });
		next();
	}).finally(() => {
		clearTimeout(timer);
		watcher.close();
	});
}

/** What was refused. The tables stay as they are. @throws where the program itself is wrong */
function messageOf(error: unknown, { json }: Context): string {
	if (!(error instanceof Error)) throw error;
	if (error instanceof TypeError || error instanceof ReferenceError)
		throw error;
	const { code, hint } = error as Partial<Failure>;
	const messages = error instanceof Failure ? error.messages : [error.message];
	return json
		? `${toJson({ error: { code, message: error.message, hint } })}\n`
		: messages
				.map((one) => `cli_apply: watch: ${one}${hint ? `; ${hint}` : ""}\n`)
				.join("");
}
