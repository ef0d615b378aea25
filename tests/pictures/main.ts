// Makes docs/pictures anew: `npm run pictures -w tests`, or one of them: `npm run pictures -w tests -- status.png`. Needs root, Debian's chromium and its DejaVu fonts.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Host } from "@sluice/testbed";
import { GATEWAY, NODE, PROXY, Site } from "@sluice/testbed/site";

const pictures = path.join(import.meta.dirname, "../../docs/pictures");
const directory = mkdtempSync(path.join(tmpdir(), "sluice-pictures-"));
const PAGE = 9500;

const isWanted = (name: string) =>
	process.argv.length < 3 || process.argv.includes(name);

/** `ESC [`, which begins a terminal's control sequences. */
const CSI = "\u001b\\[";
const sequence = (rest: string) => new RegExp(CSI + rest, "g");

/** What a terminal shows, its red as HTML. */
function terminalPage(text: string): string {
	const html = text
		.replaceAll("\r", "")
		.replaceAll("&", "&amp;")
		.replaceAll("<", "&lt;")
		.replaceAll(sequence("31m"), "<b>")
		.replaceAll(sequence("(0|39)m"), "</b>")
		.replaceAll(sequence("[0-9;?]*[A-Za-z]"), "");
	return `<meta charset="utf-8"><style>
		body { margin: 0; padding: 18px 22px; background: #10151c; color: #e8ecf0; font: 15px/1.35 "DejaVu Sans Mono" }
		b { color: #ff7066; font-weight: normal } pre { margin: 0; font: inherit }
	</style><pre>${html}</pre>`;
}

async function photograph(
	host: Host,
	url: string,
	name: string,
	size: string,
): Promise<void> {
	// The page's connection for events never closes, so that Chromium waits for the end of its time.
	await host.run("chromium", [
		...["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"],
		...[`--user-data-dir=${directory}/chromium`, `--window-size=${size}`],
		...["--timeout=5000", `--screenshot=${path.join(pictures, name)}`, url],
	]);
}

const ends: (() => unknown)[] = [];
try {
	const site = await Site.make((end) => ends.push(end));
	const { client, gateway } = site;
	await gateway.sh(`cli_tunnel set 101 ${GATEWAY} 6080 0 0
		cli_service set 1 3 udp ${PROXY} 53 10.8.0.5 53 101 other-key
		cli_service set 1 4 tcp ${PROXY} 443 ${NODE} 8443 100 third-key`);
	client.spawn("sh", [
		"-c",
		`while :; do curl -s -o /dev/null http://${PROXY}/; sleep 0.0$((RANDOM % 9)); done`,
	]);
	client.spawn("bash", [
		"-c",
		`while :; do echo query >/dev/udp/${PROXY}/53; sleep 1.3; done`,
	]);
	if (isWanted("page.png")) {
		const server = gateway.host.spawn("sh", [
			"-c",
			`PATH=${gateway.bin}:$PATH; exec cli_metrics serve ${GATEWAY} ${PAGE} --doctor 5`,
		]);
		await server.ready(/listening on/);
		await sleep(40_000);
		await photograph(
			client,
			`http://${GATEWAY}:${PAGE}/`,
			"page.png",
			"1280,1100",
		);
		await server.stop();
	}
	if (isWanted("status.png")) {
		const status = gateway.host.spawn("sh", [
			"-c",
			`PATH=${gateway.bin}:$PATH; exec script -qc "stty cols 140 rows 40; exec cli_status --watch --interval 1.5" /dev/null`,
		]);
		// A whole screen with what cli_doctor has found, and the beginning of the next.
		const whole =
			/.*(gateway, \d{4}-(?:(?!gateway, \d{4}-).)*?remote-unknown.*?)gateway, \d{4}-/s;
		const [, screen] = await status.ready(whole);
		await status.stop();
		const page = path.join(directory, "status.html");
		writeFileSync(page, terminalPage(`$ cli_status --watch\n${screen}`));
		await photograph(client, `file://${page}`, "status.png", "1130,600");
	}
} finally {
	for (const end of ends) await end();
	rmSync(directory, { recursive: true });
}
