import test from "ava";
import { host, servicePort } from "../src/listen.js";

for (const [text, expected] of [
	["127.0.0.1", "127.0.0.1"],
	["::1", "::1"],
	["[::1]", "::1"],
	["", "::"],
	["localhost", "localhost"],
	["metrics.example.net", "metrics.example.net"],
] as const)
	test(`"${text}" is listened on as ${expected}`, (t) => {
		t.is(host("address", text), expected);
	});

for (const text of ["127.0.0.256", "[::1", "1.2.3", "a b"])
	test(`"${text}" is no address to listen on`, (t) => {
		t.throws(() => host("address", text), {
			message: `address must be an IP address or a host name, got "${text}"`,
		});
	});

test("A port is a number or a service's name", (t) => {
	t.is(servicePort("port", "8000"), 8000);
	t.is(servicePort("port", "http"), 80);
	t.is(servicePort("port", "www"), 80);
	t.throws(() => servicePort("port", "65536"), {
		message: 'port must be an integer from 0 to 65535, got "65536"',
	});
	t.throws(() => servicePort("port", "tftp"), {
		message:
			'port must be an integer from 0 to 65535 or a service of /etc/services, got "tftp"',
	});
});
