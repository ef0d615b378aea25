import type { EachRow } from "@sluice/cli-kit";
import test from "ava";
import { cookieText } from "../../src/state/sockets.js";
import { bindingRows, destinationRows } from "../../src/text/listing.js";
import { binding } from "../helpers/binding.js";

function lines(rows: EachRow<string>): string[] {
	const all: string[] = [];
	rows((line) => void all.push(line));
	return all;
}

const destination = (
	domain: "ipv4" | "ipv6",
	protocol: "tcp" | "udp",
	socket: bigint | undefined,
) => ({
	label: "example",
	domain,
	protocol,
	socket,
	bindings: 1,
	lookups: 0n,
	misses: 0n,
	errorsBadSocket: 0n,
});

test("Bindings are listed as tubular lists them", (t) => {
	t.is(
		lines(
			bindingRows([
				binding("tcp 127.0.0.128/25 0", "example"),
				binding("tcp 2001:db8::/64 0", "example"),
				binding("udp 127.0.0.128/25 1234", "example"),
				binding("udp 2001:db8::/64 1234", "example"),
			]),
		).join("\n"),
		[
			" protocol         prefix port   label",
			"      tcp 127.0.0.128/25    0 example",
			"      tcp  2001:db8::/64    0 example",
			"      udp 127.0.0.128/25 1234 example",
			"      udp  2001:db8::/64 1234 example",
		].join("\n"),
	);
});

test("Destinations are listed as tubular lists them", (t) => {
	t.is(
		lines(
			destinationRows(
				[
					destination("ipv4", "tcp", 0x5004n),
					destination("ipv4", "udp", 0x5005n),
					destination("ipv6", "tcp", 0x3005n),
					destination("ipv6", "udp", 2n),
				],
				cookieText,
			),
		).join("\n"),
		[
			"   label domain protocol  socket lookups misses errors",
			" example   ipv4      tcp sk:5004       0      0      0",
			" example   ipv4      udp sk:5005       0      0      0",
			" example   ipv6      tcp sk:3005       0      0      0",
			" example   ipv6      udp    sk:2       0      0      0",
		].join("\n"),
	);
});

test("A destination without a socket has sk:-, which alarms look for", (t) => {
	const [, row] = lines(
		destinationRows([destination("ipv4", "tcp", undefined)], cookieText),
	);
	t.is(row, " example   ipv4      tcp   sk:-       0      0      0");
});

test("Columns are as wide as their widest letters", (t) => {
	const rows = lines(
		bindingRows([binding("tcp ::1 1", "ö"), binding("tcp ::1 2", "ab")]),
	);
	t.is(rows[1], "      tcp ::1/128    1     ö");
	t.is(rows[2], "      tcp ::1/128    2    ab");
});
