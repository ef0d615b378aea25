import type { Args } from "@sluice/cli-kit";
import { values } from "@sluice/cli-kit";
import type { Protocol } from "@sluice/maps/tables";
import { label } from "./label.js";
import { type Prefix, prefix, prefixText } from "./prefix.js";

/** Sends traffic of a protocol to a subnet and port to whoever serves the label. */
export interface Binding {
	label: string;
	protocol: Protocol;
	prefix: Prefix;
	/** 0 is every port. */
	port: number;
}

/** Reads the positionals `<label> <protocol> <prefix> <port>`. */
export const bindingArgs = (args: Args): Binding => ({
	label: label("label", args.text("label")),
	protocol: values.protocol("protocol", args.text("protocol")),
	prefix: prefix("prefix", args.text("prefix")),
	port: values.port("port", args.text("port")),
});

/** "foo#tcp:[127.0.0.0/8]:80". */
export const bindingText = ({ label, protocol, prefix, port }: Binding) =>
	`${label}#${protocol}:[${prefixText(prefix)}]:${port}`;

/** A binding in JSON. */
export const bindingJson = ({ label, protocol, prefix, port }: Binding) => ({
	label,
	protocol,
	prefix: prefixText(prefix),
	port,
});
