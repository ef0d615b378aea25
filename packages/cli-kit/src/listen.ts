import type { Args } from "./command.js";
import * as values from "./values.js";

/** Of a command that listens. */
export const listenPositionals = {
	address: "The address to listen on",
	port: "The port to listen on; 0 takes a free one and prints it",
} as const;

/** Where to listen. @throws Failure usage */
export const listenArgs = (args: Args) => ({
	address: values.address("address", args.text("address")),
	port: values.port("port", args.text("port")),
});
