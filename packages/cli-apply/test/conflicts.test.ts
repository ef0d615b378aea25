import test from "ava";
import {
	type Content,
	changed,
	first,
	mistakesOf,
	yaml,
} from "./helpers/documents.js";

/** Rows that contradict each other, and addresses that no row may have. */
const conflicts: [string, (content: Content) => void, RegExp][] = [
	[
		"a tunnel twice",
		(c) => {
			c.tunnels.push({ ...first(c, "tunnels") });
		},
		/: tunnels\[2\]: tunnel 100 again, after line \d+$/,
	],
	[
		"a service twice",
		(c) => {
			c.services.push({
				...first(c, "services"),
				proxy: "1.1.1.1:1",
				backend: "1.1.1.2:1",
			});
		},
		/: services\[2\]: service 1 2 again, after line \d+$/,
	],
	[
		"a hook twice",
		(c) => {
			c.config.push({ ...first(c, "config") });
		},
		/: config\[1\]: interface "\*" in that direction again, after line \d+$/,
	],
	[
		"a proxy twice",
		(c) => {
			Object.assign(c.services[1] as object, {
				protocol: "tcp",
				proxy: "203.0.113.10:80",
			});
		},
		/: services\[1\]\.proxy: tcp 203\.0\.113\.10:80 belongs to the service of line \d+$/,
	],
	[
		"a proxy that is its backend",
		(c) => {
			first(c, "services").backend = "203.0.113.10:80";
		},
		/belongs to this service already$/,
	],
	[
		"two families",
		(c) => {
			first(c, "services").backend = "[::1]:80";
		},
		/: services\[0\]: proxy and backend must be of one family$/,
	],
	[
		"an address that is none",
		(c) => {
			first(c, "tunnels").local = "0.0.0.0:1";
		},
		/: tunnels\[0\]\.local: must be an address of this machine, got the kind unspecified$/,
	],
	[
		"a multicast backend",
		(c) => {
			first(c, "services").backend = "224.0.0.1:80";
		},
		/: services\[0\]\.backend: must be an address of a host, got the kind multicast$/,
	],
	[
		"a UDP service at the end of a tunnel",
		(c) => {
			Object.assign(c.services[1] as object, { backend: "10.0.0.2:6080" });
		},
		/: services\[1\]\.backend: udp 10\.0\.0\.2:6080 is the far end of tunnel 101$/,
	],
	[
		"a UDP service whose proxy is the end of a tunnel",
		(c) => {
			Object.assign(c.services[1] as object, { proxy: "10.0.0.2:6080" });
		},
		/: services\[1\]\.proxy: udp 10\.0\.0\.2:6080 is the far end of tunnel 101$/,
	],
];

for (const [title, change, message] of conflicts)
	test(`${title} is refused`, (t) => {
		t.regex(mistakesOf(yaml(changed(change))).join("\n"), message);
	});
