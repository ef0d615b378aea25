import type { Protocol } from "@sluice/maps/tables";
import { type Binding, keyOf } from "../../src/binding/binding.js";
import { prefix } from "../../src/binding/prefix.js";

/** A binding of the label foo, from "tcp 10.0.0.0/8 80". */
export function binding(text: string, label = "foo"): Binding {
	const [protocol, subnet = "", port] = text.split(" ");
	const key = keyOf({
		protocol: protocol as Protocol,
		prefix: prefix("prefix", subnet),
		port: Number(port),
	});
	return { label, key };
}
