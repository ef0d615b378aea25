import { spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { kernelTest, ownDispatcher } from "../helpers/own-host.js";
import { rawSocket, unixSocket } from "../helpers/raw-socket.js";
import { json, objects, tubectl, tubectlWith } from "../helpers/tubectl.js";

ownDispatcher();

/** Runs `register` in a process that is passed descriptors from 3 on, as a service manager does. */
function register(fds: readonly number[]) {
	const vars = { LISTEN_FDS: String(fds.length) };
	const bin = join(import.meta.dirname, "../../src/main.ts");
	const { status, stdout, stderr } = spawnSync(
		process.execPath,
		["--import=tsx", bin, "register", "foo"],
		{
			stdio: ["ignore", "pipe", "pipe", ...fds],
			env: { ...process.env, SLUICE_BPF_DIR: objects, ...vars },
			encoding: "utf8",
		},
	);
	return { code: status, out: stdout, err: stderr };
}

kernelTest(
	"Sockets that are passed are registered, each for its destination",
	async (t) => {
		const tcp = rawSocket(t, "ipv4", "tcp", { listen: true });
		const udp = rawSocket(t, "ipv6", "udp");
		t.deepEqual(register([tcp.fd, udp.fd]), {
			code: 0,
			out: `registered socket ${tcp.cookie}: created destination ipv4:tcp:foo
registered socket ${udp.cookie}: created destination ipv6:udp:foo
`,
			err: "",
		});
	},
);

kernelTest(
	"Two sockets for one destination are refused, and neither registered",
	async (t) => {
		const one = rawSocket(t, "ipv4", "tcp", { listen: true });
		const two = rawSocket(t, "ipv4", "tcp", { listen: true });
		t.deepEqual(register([one.fd, two.fd]), {
			code: 1,
			out: "",
			err: `tubectl: register: descriptor 3 (ipv4 tcp 127.0.0.1:${one.port}) and descriptor 4 (ipv4 tcp 127.0.0.1:${two.port}) would both serve ipv4:tcp:foo\n`,
		});
		t.deepEqual((await json("status")).destinations, []);
	},
);

kernelTest("What is passed must be an internet socket", async (t) => {
	const unix = unixSocket(t);
	t.deepEqual(register([unix]), {
		code: 1,
		out: "",
		err: "tubectl: register: descriptor 3 (unix stream): not an ipv4 or ipv6 socket\n",
	});
	const file = openSync("/dev/null", "r");
	t.teardown(() => closeSync(file));
	t.deepEqual(register([file]), {
		code: 1,
		out: "",
		err: "tubectl: register: descriptor 3: not a socket (ENOTSOCK)\n",
	});
});

test("LISTEN_FDS must be a number of sockets", async (t) => {
	t.deepEqual(await tubectlWith({ LISTEN_FDS: "x" }, "register", "foo"), {
		code: 2,
		out: "",
		err: 'tubectl: register: LISTEN_FDS must be the number of sockets passed, got "x"\n',
	});
	const { LISTEN_FDS: _, ...vars } = process.env;
	t.is(vars.LISTEN_FDS, undefined);
	t.deepEqual(await tubectl("register", "foo"), {
		code: 2,
		out: "",
		err: "tubectl: register: no sockets passed: LISTEN_FDS is not set; run it by socket activation, or use register-pid\n",
	});
});
