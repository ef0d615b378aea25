import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
	closeSync,
	mkdtempSync,
	openSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kernelTest, ownDispatcher } from "../helpers/own-host.js";
import { duplicate, rawSocket, unixSocket } from "../helpers/raw-socket.js";
import { greeter } from "../helpers/servers.js";
import { json, must, tubectl } from "../helpers/tubectl.js";

ownDispatcher();

const us = String(process.pid);
const registerPid = (
	protocol: "tcp" | "udp",
	address: string,
	port: number,
	...more: string[]
) =>
	tubectl("register-pid", us, "foo", protocol, address, String(port), ...more);
const failed = (reason: string) => ({
	code: 1,
	out: "",
	err: `tubectl: register-pid: process ${us}: ${reason}\n`,
});

kernelTest("A socket is registered, and registered again", async (t) => {
	const { port, cookie } = rawSocket(t, "ipv4", "tcp", { listen: true });
	t.deepEqual(await registerPid("tcp", "127.0.0.1", port), {
		code: 0,
		out: `registered socket ${cookie}: created destination ipv4:tcp:foo\n`,
		err: "",
	});
	const other = rawSocket(t, "ipv4", "tcp", { listen: true });
	t.deepEqual(await registerPid("tcp", "127.0.0.1", other.port), {
		code: 0,
		out: `registered socket ${other.cookie}: updated destination ipv4:tcp:foo\n`,
		err: "",
	});
	t.is((await json("status")).destinations[0].socket, other.cookie);
});

for (const [family, protocol, address] of [
	["ipv4", "tcp", "127.0.0.1"],
	["ipv4", "udp", "127.0.0.1"],
	["ipv6", "tcp", "::1"],
	["ipv6", "udp", "::1"],
] as const)
	kernelTest(
		`${family} ${protocol} has a destination of its own`,
		async (t) => {
			const { port, cookie } = rawSocket(t, family, protocol, {
				listen: protocol === "tcp",
			});
			t.like(await registerPid(protocol, address, port), { code: 0 });
			t.like((await json("status")).destinations, [
				{ label: "foo", domain: family, protocol, socket: cookie, bindings: 0 },
			]);
		},
	);

kernelTest("A pid may stand in a file", async (t) => {
	const directory = mkdtempSync(join(tmpdir(), "pid-"));
	t.teardown(() => rmSync(directory, { recursive: true }));
	const file = join(directory, "foo.pid");
	const { port } = rawSocket(t, "ipv4", "tcp", { listen: true });
	const register = () =>
		tubectl("register-pid", file, "foo", "tcp", "127.0.0.1", String(port));
	const noPid = {
		code: 2,
		out: "",
		err: `tubectl: register-pid: pid must be a process or a file with one, got "${file}"\n`,
	};
	t.deepEqual(await register(), noPid);
	writeFileSync(file, "me\n");
	t.deepEqual(await register(), noPid);
	writeFileSync(file, `${us}\r\n`);
	t.is((await register()).code, 0);
});

kernelTest("A process may have a thousand descriptors, and gaps", async (t) => {
	const pads = Array.from({ length: 1000 }, () => openSync("/dev/null", "r"));
	const { port, cookie } = rawSocket(t, "ipv4", "udp");
	const open = pads.filter((fd, i) => {
		if (i % 3 === 0) closeSync(fd);
		return i % 3 !== 0;
	});
	t.teardown(() => {
		for (const fd of open) closeSync(fd);
	});
	t.is(
		(await registerPid("udp", "127.0.0.1", port)).out,
		`registered socket ${cookie}: created destination ipv4:udp:foo\n`,
	);
});

kernelTest("A unix socket is passed by", async (t) => {
	unixSocket(t);
	const { port } = rawSocket(t, "ipv4", "tcp", { listen: true });
	t.is((await registerPid("tcp", "127.0.0.1", port)).code, 0);
});

kernelTest("A process without such a socket is an error", async (t) => {
	t.deepEqual(
		await registerPid("tcp", "127.0.0.1", 1),
		failed(
			'no tcp socket at 127.0.0.1:1; see its sockets with "ss -nlptu", or wait for one with --wait',
		),
	);
	t.deepEqual(
		await registerPid("udp", "::1", 1),
		failed(
			'no udp socket at [::1]:1; see its sockets with "ss -nlptu", or wait for one with --wait',
		),
	);
});

kernelTest("A TCP socket must be listening", async (t) => {
	const { fd, port } = rawSocket(t, "ipv4", "tcp");
	t.deepEqual(
		await registerPid("tcp", "127.0.0.1", port),
		failed(`descriptor ${fd} (ipv4 tcp 127.0.0.1:${port}): not listening`),
	);
});

kernelTest("A UDP socket must not be connected", async (t) => {
	const { fd, port } = rawSocket(t, "ipv4", "udp", { connect: true });
	t.deepEqual(
		await registerPid("udp", "127.0.0.1", port),
		failed(
			`descriptor ${fd} (ipv4 udp 127.0.0.1:${port}): connected to a peer`,
		),
	);
});

kernelTest("An IPv6 socket must leave IPv4 to others", async (t) => {
	const { fd, port } = rawSocket(t, "ipv6", "tcp", {
		listen: true,
		dualStack: true,
	});
	t.deepEqual(
		await registerPid("tcp", "::", port),
		failed(
			`descriptor ${fd} (ipv6 tcp [::]:${port}): dual-stack: it must be for ipv6 only (set IPV6_V6ONLY)`,
		),
	);
});

kernelTest("A socket that is bound to a device is refused", async (t) => {
	for (const protocol of ["tcp", "udp"] as const) {
		const { fd, port } = rawSocket(t, "ipv4", protocol, {
			listen: protocol === "tcp",
			device: "lo",
		});
		t.deepEqual(
			await registerPid(protocol, "127.0.0.1", port),
			failed(
				`descriptor ${fd} (ipv4 ${protocol} 127.0.0.1:${port}): bound to a device (SO_BINDTODEVICE)`,
			),
		);
	}
});

kernelTest("An MPTCP socket is refused by name", async (t) => {
	const { fd, port } = rawSocket(t, "ipv4", "tcp", {
		listen: true,
		mptcp: true,
	});
	t.deepEqual(
		await registerPid("tcp", "127.0.0.1", port),
		failed(
			`descriptor ${fd} (ipv4 mptcp 127.0.0.1:${port}): an MPTCP socket: it must be created as plain TCP`,
		),
	);
});

kernelTest(
	"A socket that was created in another namespace is refused",
	async (t) => {
		const { fd, port } = rawSocket(t, "ipv4", "tcp", { listen: true });
		// A process of another namespace that has a socket of ours.
		const other = spawn("unshare", ["--net", "sh", "-c", "echo up; read _"], {
			stdio: ["pipe", "pipe", "inherit", fd],
		});
		t.teardown(() => void other.kill());
		await once(other.stdout as NodeJS.ReadableStream, "data");
		const pid = String(other.pid);
		const netns = `/proc/${pid}/ns/net`;
		const ours = statSync("/proc/self/ns/net").ino;
		await must("-netns", netns, "load");
		t.teardown(() => tubectl("-netns", netns, "unload"));
		const { code, err } = await tubectl(
			...["-netns", netns, "register-pid", pid, "foo"],
			...["tcp", "127.0.0.1", String(port)],
		);
		t.is(code, 1);
		const refusal = `tubectl: register-pid: process ${pid}: descriptor 3 (ipv4 tcp 127.0.0.1:${port}): in network namespace ${ours}, the dispatcher in ${statSync(netns).ino}`;
		t.true(err.startsWith(refusal), err);
	},
);

kernelTest(
	"The loss of a group's registered member is in status, and another takes its place",
	async (t) => {
		await must("bind", "foo", "udp", "127.8.0.1", "0");
		const first = rawSocket(t, "ipv4", "udp", { reuseport: true });
		const { port } = first;
		const second = rawSocket(t, "ipv4", "udp", { reuseport: true, port });
		await registerPid("udp", "127.0.0.1", port);
		first.close();
		t.regex(await must("status"), / foo +ipv4 +udp +sk:- /);
		t.is((await json("status")).destinations[0].socket, null);
		t.is((await json("who", "udp", "127.8.0.1", "53")).verdict, "drop");
		await registerPid("udp", "127.0.0.1", port);
		t.is((await json("status")).destinations[0].socket, second.cookie);
	},
);

kernelTest("Of a reuseport group the first is registered", async (t) => {
	const first = rawSocket(t, "ipv4", "udp", { reuseport: true });
	const { port } = first;
	rawSocket(t, "ipv4", "udp", { reuseport: true, port });
	rawSocket(t, "ipv4", "udp", { reuseport: true, port });
	t.is(
		(await registerPid("udp", "127.0.0.1", port)).out,
		`registered socket ${first.cookie}: created destination ipv4:udp:foo\n`,
	);
});

kernelTest(
	"Two sockets that share an address otherwise are refused",
	async (t) => {
		const one = rawSocket(t, "ipv4", "udp", { reuseaddr: true });
		const { port } = one;
		const two = rawSocket(t, "ipv4", "udp", { reuseaddr: true, port });
		const at = `(ipv4 udp 127.0.0.1:${port})`;
		t.deepEqual(
			await registerPid("udp", "127.0.0.1", port),
			failed(
				`descriptor ${one.fd} ${at} and descriptor ${two.fd} ${at} would both serve ipv4:udp:foo`,
			),
		);
	},
);

kernelTest("A socket with two descriptors is one socket", async (t) => {
	const { fd, port, cookie } = rawSocket(t, "ipv4", "tcp", { listen: true });
	duplicate(t, fd);
	t.is(
		(await registerPid("tcp", "127.0.0.1", port)).out,
		`registered socket ${cookie}: created destination ipv4:tcp:foo\n`,
	);
});

kernelTest("No process, no socket", async (t) => {
	const { pid } = spawnSync("true");
	t.deepEqual(
		await tubectl("register-pid", String(pid), "foo", "tcp", "127.0.0.1", "80"),
		{
			code: 1,
			out: "",
			err: `tubectl: register-pid: no process ${pid}\n`,
		},
	);
});

kernelTest("A process of another namespace is refused", async (t) => {
	const other = spawn("unshare", ["--net", "sh", "-c", "echo up; read _"], {
		stdio: ["pipe", "pipe", "inherit"],
	});
	t.teardown(() => void other.kill());
	await once(other.stdout, "data");
	const pid = String(other.pid);
	const theirs = statSync(`/proc/${pid}/ns/net`).ino;
	const ours = statSync("/proc/self/ns/net").ino;
	t.deepEqual(
		await tubectl("register-pid", pid, "foo", "tcp", "127.0.0.1", "80"),
		{
			code: 1,
			out: "",
			err: `tubectl: register-pid: process ${pid} is in network namespace ${theirs}, the dispatcher in ${ours}; name the right one with --netns\n`,
		},
	);
});

kernelTest("register-pid waits until the process listens", async (t) => {
	const free = await greeter(t, "free");
	const { port } = free;
	free.server.close();
	await once(free.server, "close");
	const waiting = registerPid("tcp", "127.0.0.1", port, "--wait", "20");
	await greeter(t, "late", { port });
	t.is((await waiting).code, 0);
});

kernelTest("unregister takes the socket away", async (t) => {
	const { port } = rawSocket(t, "ipv4", "tcp", { listen: true });
	await must("bind", "foo", "tcp", "127.8.0.0/16", "0");
	t.is((await registerPid("tcp", "127.0.0.1", port)).code, 0);
	t.is(
		await must("unregister", "foo", "ipv4", "tcp"),
		"unregistered socket of destination ipv4:tcp:foo\n",
	);
	t.is((await json("status")).destinations[0].socket, null);
	t.deepEqual(await tubectl("unregister", "foo", "ipv4", "tcp"), {
		code: 3,
		out: "",
		err: "tubectl: unregister: no socket registered for ipv4:tcp:foo\n",
	});
	await must("unbind", "foo", "tcp", "127.8.0.0/16", "0");
	t.deepEqual((await json("status")).destinations, []);
});
