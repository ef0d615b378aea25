import { key } from "./helpers/configuration.js";
import { it, sharedLab } from "./helpers/lab.js";
import { BOX, CLIENT, PORT, UPSTREAM, UPSTREAMS } from "./helpers/site.js";

const lab = sharedLab((lab) => lab.agents.upstream.listen(2222, ...UPSTREAMS));

const request = { from: CLIENT, to: BOX, port: PORT, sizes: [8] };

const last = (text: string) => text.trimEnd().split("\n").at(-1);

it("bad input ends it with 2 and a line that says what was expected; nothing is attached", async (t) => {
	await lab.stop();
	const file = lab.write(key());
	const empty = lab.write("", "empty.yaml");
	for (const [args, message] of [
		[
			["-i", "b0", "-c", "/nowhere.yaml"],
			/^udplb: read \/nowhere\.yaml: no such file \(ENOENT\); name the configuration with -c FILE$/,
		],
		[["-i", "b0"], /^udplb: read config\.yaml: no such file \(ENOENT\); name/],
		[
			["-i", "b0", "-c", empty],
			/^udplb: \S+empty\.yaml:1: expected a list of keys, got nothing$/,
		],
		[["-i", "-v", "-c", file], /^udplb: "-i" needs a value$/],
		[
			["-c", file],
			/^udplb: no default route to take the interface from; name the interface with -i INTERFACE$/,
		],
		[
			["-i", "b0", "-c", file, "more"],
			/^udplb: unknown command "more"; see "udplb --help"$/,
		],
		[["--nonsense"], /^udplb: unknown option "--nonsense"$/],
		[["metrics", "no where", "1"], /^udplb: metrics: /],
		[["metrics", "127.0.0.1", "65536"], /^udplb: metrics: port must be /],
	] as const) {
		const { exitCode, stdout, stderr } = await lab.run(...args);
		t.is(exitCode, 2, `${args}: ${stderr}`);
		t.is(stdout, "");
		t.regex(last(stderr.replace(/\nusage: .*/, "")) ?? "", message);
	}
	const { stdout } = await lab.box.run("tc", [
		"filter",
		"show",
		"dev",
		"b0",
		"ingress",
	]);
	t.notRegex(stdout, /udplb/);
});

it("with --json an error is one document", async (t) => {
	const { exitCode, stdout, stderr } = await lab.run(
		...["--json", "-i", "eth77", "-c", lab.write(key())],
	);
	t.is(exitCode, 3);
	t.is(stdout, "");
	t.deepEqual(JSON.parse(last(stderr) ?? ""), {
		error: {
			code: "NOT_FOUND",
			message: 'no interface "eth77"',
			hint: 'see "ip -brief link"',
		},
	});
});

it("where nothing is served, stats and metrics say so", async (t) => {
	await lab.stop();
	const { exitCode, stderr } = await lab.run("stats");
	t.is(exitCode, 4);
	t.is(
		stderr,
		"udplb: stats: udplb serves no interface here: no pins in /sys/fs/bpf/udplb; start it (udplb -i INTERFACE -c FILE), or name another bpffs with --bpffs",
	);
	const named = await lab.run("stats", "-i", "b0");
	t.is(named.exitCode, 4);
	t.regex(named.stderr, /^udplb: stats: udplb does not serve interface "b0"; /);
});

it("each mistake of a file is a line, also when it is read again", async (t) => {
	const server = await lab.serve(key());
	const file = lab.write(
		`${key({ port: 70_000 })}${key({ upstreams: ["not a\\x1bname"] })}`,
	);
	const mistakes = [
		`${file}:3: [0].key.port: expected an integer from 1 to 65535, got 70000`,
		`${file}:16: [1].upstream[0].address: expected the IPv4 or IPv6 address of one host, or a host name, got "not a\\u001bname"`,
	];
	const { exitCode, stderr } = await lab.run("-i", "b0", "-c", file);
	t.is(exitCode, 2);
	t.deepEqual(
		stderr.split("\n"),
		mistakes.map((one) => `udplb: ${one}`),
	);
	const json = await lab.run("--json", "-i", "b0", "-c", file);
	t.deepEqual(JSON.parse(json.stderr), {
		error: { code: "USAGE", message: mistakes.join("\n") },
	});

	await lab.box.run("kill", ["-HUP", String(server.pid)]);
	await server.ready(/the running configuration stays\n/, "stderr");
	t.deepEqual(
		server.stderr
			.split(/serving .*\n/)[1]
			?.replace(/\[\d{4}\]/g, "")
			.split("\n"),
		[
			...mistakes.map((one) => `ERRO reload: ${one}`),
			"ERRO the running configuration stays",
			"",
		],
	);
});

it("a directory that is no bpffs is refused, but a bad file first", async (t) => {
	const on = (file: string) => ["--bpffs", "/proc", "-i", "b0", "-c", file];
	const good = await lab.run(...on(lab.write(key())));
	t.is(good.exitCode, 4);
	t.is(
		good.stderr,
		"udplb: no bpffs at /proc; mount it (mount -t bpf -o mode=0700 bpf /proc), or name another bpffs with --bpffs",
	);
	const file = lab.write("[]", "bad.yaml");
	const bad = await lab.run(...on(file));
	t.is(bad.exitCode, 2);
	t.is(
		bad.stderr,
		`udplb: ${file}:1: expected a list of keys, got an empty list`,
	);
});

it("a bpffs that ip netns exec hides has a hint of its own", async (t) => {
	const { stderr } = await lab.box.run(
		"sh",
		[
			"-ec",
			`mkdir -p /run/netns && mount -t tmpfs none /run/netns
			ip netns add blue && ip netns exec blue ip link set lo up
			ip netns exec blue node dist/udplb.cjs -i lo -c "$0" || echo "exit code $?" >&2`,
			lab.write(key()),
		],
		{ reject: false },
	);
	t.regex(
		stderr,
		/^udplb: no bpffs at \/sys\/fs\/bpf: "ip netns exec blue" has mounted a new \/sys over it; enter the network namespace alone: nsenter --net=\/run\/netns\/blue …\nexit code 4$/,
	);
});

it("the compiled program can lie elsewhere, and is missed where it is not", async (t) => {
	const { exitCode, stderr } = await lab.box.run(
		process.execPath,
		["dist/udplb.cjs", "-i", "b0", "-c", lab.write(key())],
		{ env: { SLUICE_BPF_DIR: "/nowhere" }, reject: false },
	);
	t.is(exitCode, 4);
	t.is(
		stderr,
		"udplb: no udplb_tc.o in /nowhere; name its directory with SLUICE_BPF_DIR",
	);
});

it("-d prints the configuration and each decision", async (t) => {
	const server = await lab.serve(key({ action: "pass" }), "-d");
	t.regex(
		server.stderr,
		/^INFO\[\d{4}\] cli config: interface=b0, debug=true\nINFO\[\d{4}\] tc: filter on ingress of b0 in place, pref 7727, program \d+\nINFO\[\d{4}\] serving 1 key with 1 upstream of \S+\n/,
	);
	await lab.agents.client.send({ ...request, ports: [4000], sizes: [8, 2000] });
	await server.ready(/copied, .* 548 bytes/, "stderr");
	t.regex(
		server.stderr,
		/INFO\[\d{4}\] Key\{ Address: 10\.0\.1\.1, Port: 1111, Action: pass, Strategy: src-port \} \| Upstream\{ Address: 10\.0\.2\.11, Port: 2222, Weight: 1 \}\n/,
	);
	t.deepEqual(server.stderr.match(/(?<=DEBU\[\d{4}\] ).*/g), [
		"10.0.1.2:4000 -> 10.0.1.1:1111: copied, 10.0.2.11:2222, 36 bytes",
		"10.0.1.2:4000 -> 10.0.1.1:1111: copied, 10.0.2.11:2222, 1500 bytes",
		"10.0.1.2 -> 10.0.1.1: copied, 10.0.2.11:2222, 548 bytes",
	]);
	t.is(server.stdout, "");
	await lab.agents.upstream.take(2);
});

it("-d prints how many decisions were lost", async (t) => {
	const server = await lab.serve(key(), "-d");
	await lab.box.run("kill", ["-STOP", String(server.pid)]);
	// The ring holds 1 MiB of events of 80 bytes.
	const sizes = Array.from({ length: 15_000 }, () => 1);
	await lab.agents.client.send({ ...request, sizes });
	await lab.box.run("kill", ["-CONT", String(server.pid)]);
	await server.ready(/ERRO\[\d{4}\] \d+ decisions lost, \d+ in all/, "stderr");
	await server.stop();
	const logged = server.stderr.match(/DEBU/g)?.length ?? 0;
	const [lost] =
		server.stderr.match(/(?<=lost, )\d+(?= in all\n(?![\s\S]*lost))/) ?? [];
	t.is(logged + Number(lost), 15_000);
	await lab.agents.upstream.take();
});

it("stats show what went where, as text and as JSON", async (t) => {
	await lab.serve(
		key({ upstreams: [UPSTREAM, [UPSTREAMS[1] as string, 3]] }) +
			key({ port: 53, action: "pass" }),
	);
	await lab.agents.client.send({ ...request, ports: [4001, 4001, 4001] });
	await lab.agents.upstream.take(3);
	const { stdout } = await lab.run("stats", "--json", "-i", "b0");
	const [one, ...others] = JSON.parse(stdout).interfaces;
	t.is(others.length, 0);
	t.like(one, { interface: "b0", outcomes: { sent: 3, copied: 0 } });
	t.is(one.upstreams.length, 3);
	t.like(one.upstreams[2], {
		key: { address: BOX, port: 53 },
		action: "pass",
		upstream: { address: UPSTREAM, port: 2222 },
		weight: 1,
		packets: 0,
		bytes: 0,
	});
	const text = (await lab.run("stats")).stdout;
	t.regex(
		text,
		/^interface b0\nkey +action +upstream +weight +packets +bytes\n/,
	);
	t.regex(
		text,
		/^10\.0\.1\.1:1111 +block +10\.0\.2\.1[12]:2222 +[13] +3 +108$/m,
	);
	t.regex(text, /\nsent 3\n2 keys, 3 upstreams$/);
});

it("stats --watch shows what goes to each upstream now", async (t) => {
	await lab.serve(key() + key({ port: 53 }));
	const watch = lab.box.spawn(process.execPath, [
		...["dist/udplb.cjs", "stats", "--watch", "--json", "--interval", "0.5"],
	]);
	await watch.ready(/^\{.*\}\n/);
	const sizes = Array.from({ length: 50 }, () => 8);
	await lab.agents.client.send({ ...request, sizes });
	const [line] = await watch.ready(/^.*"port":1111.*$/m);
	const [row, ...others] = JSON.parse(line).upstreams;
	t.is(others.length, 0);
	t.true(row.perSecond.packets > 0);
	await watch.stop("SIGINT");
	await lab.agents.upstream.take(50);
});

it("metrics are Prometheus text, read anew for each scrape", async (t) => {
	await lab.serve(key());
	const metrics = lab.box.spawn(process.execPath, [
		...["dist/udplb.cjs", "metrics", "10.0.1.1", "0"],
	]);
	const [, host] = await metrics.ready(/^Listening on (\S+)\n/);
	const scrape = async () =>
		(
			await lab.client.run(process.execPath, [
				"-e",
				`fetch("http://${host}/metrics").then(async r => console.log(await r.text()))`,
			])
		).stdout;
	const labels =
		'interface="b0",key="10.0.1.1:1111",upstream="10.0.2.11:2222",action="block"';
	t.true((await scrape()).includes(`udplb_packets_total{${labels}} 0\n`));
	await lab.agents.client.send({ ...request, ports: [4000, 4001] });
	await lab.agents.upstream.take(2);
	const text = await scrape();
	for (const line of [
		"# TYPE udplb_packets_total counter",
		`udplb_packets_total{${labels}} 2`,
		`udplb_bytes_total{${labels}} 72`,
		`udplb_upstream_weight{${labels}} 1`,
		'udplb_outcomes_total{interface="b0",outcome="sent"} 2',
		'udplb_outcomes_total{interface="b0",outcome="ttl_expired"} 0',
		"udplb_collection_errors_total 0",
		'build_info{version="0.1.0"} 1',
	])
		t.true(text.split("\n").includes(line), line);
	await lab.stop();
	t.true((await scrape()).includes("udplb_collection_errors_total 1\n"));
	await metrics.stop();
	t.is((await metrics.ended).exitCode, 0);
});
