import { isIP } from "node:net";
import { Address } from "@sluice/maps/address";
import * as v from "valibot";

// Every message is the expected value; the caller adds file, line and the actual value.

const portText = "an integer from 1 to 65535";
const port = v.pipe(
	v.number(portText),
	v.integer(portText),
	v.minValue(1, portText),
	v.maxValue(65_535, portText),
);

const weightText = "an integer from 1 to 65535";
const weight = v.pipe(
	v.number(weightText),
	v.integer(weightText),
	v.minValue(1, weightText),
	v.maxValue(65_535, weightText),
);

const keyAddressText = "the IPv4 or IPv6 address of one host";
const keyAddress = v.pipe(
	v.string(keyAddressText),
	v.check(isUnicast, keyAddressText),
);

const upstreamAddressText =
	"the IPv4 or IPv6 address of one host, or a host name";
const upstreamAddress = v.pipe(
	v.string(upstreamAddressText),
	v.check(
		(text) => (isIP(text) ? isUnicast(text) : isHostName(text)),
		upstreamAddressText,
	),
);

const upstreamsText = "a list of 1 to 65535 upstreams";
const upstream = v.strictObject(
	{ address: upstreamAddress, port, weight: v.optional(weight, 1) },
	"address, port and perhaps weight",
);

const actions = ["pass", "block"] as const;
const strategies = ["src-ip", "src-port"] as const;
export type Action = (typeof actions)[number];
export type Strategy = (typeof strategies)[number];

/** One entry of the configuration's list. */
export const entry = v.strictObject(
	{
		key: v.strictObject({ address: keyAddress, port }, "address and port"),
		options: v.nullish(
			v.strictObject(
				{
					tc_action: v.optional(
						v.picklist(actions, '"pass" or "block"'),
						"pass",
					),
					strategy: v.optional(
						v.picklist(strategies, '"src-ip" or "src-port"'),
						"src-port",
					),
				},
				"tc_action and strategy",
			),
			{},
		),
		upstream: v.pipe(
			v.array(upstream, upstreamsText),
			v.minLength(1, upstreamsText),
			v.maxLength(65_535, upstreamsText),
		),
	},
	"key, upstream and perhaps options",
);

export type Entry = v.InferOutput<typeof entry>;

/** An address that one host can have, and that can be the source of a packet. */
export function isUnicast(text: string): boolean {
	// IPv4 in IPv6 form is IPv4. An address with a zone is none.
	const address = Address.parse(text)?.toString();
	if (address === undefined) return false;
	if (address.includes(":"))
		return !address.startsWith("ff") && address !== "::";
	const first = Number(address.split(".", 1)[0]);
	return first !== 0 && first < 224;
}

/** 127.0.0.0/8 and ::1. */
export const isLoopback = (text: string): boolean =>
	isIP(text) === 4 ? text.startsWith("127.") : text === "::1";

/** A name as RFC 1123 allows; all digits and dots would be an address that is not one. */
function isHostName(text: string): boolean {
	return (
		text.length <= 253 &&
		!/^[\d.]+$/.test(text) &&
		/^(?!-)[\w-]{1,63}(?<!-)(\.(?!-)[\w-]{1,63}(?<!-))*\.?$/.test(text)
	);
}
