// Sends a datagram and waits for it to come back: udp-request.ts ADDRESS PORT BYTES
//
// Sends again as long as no answer comes, as a UDP client must: the first one that is too large for the tunnel only
// tells the sender's kernel what fits, and the next one goes in fragments.
import { createHash, randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";

const AGAIN_MS = 300;
const PATIENCE_MS = 3000;

const [address = "", port = "", bytes = ""] = process.argv.slice(2);
const request = randomBytes(Number(bytes));
const socket = createSocket("udp4");

const digest = (data: Buffer) =>
	createHash("sha256").update(data).digest("hex").slice(0, 12);

let sent = 0;
function send(): void {
	sent++;
	socket.send(request);
}

const again = setInterval(send, AGAIN_MS);
const end = setTimeout(() => {
	console.error(`no answer from ${address}:${port} within ${PATIENCE_MS} ms`);
	process.exit(1);
}, PATIENCE_MS);

// Connected: an answer from any other address than the one asked is not ours.
socket.connect(Number(port), address, send);
socket.on("error", (error: NodeJS.ErrnoException) => {
	if (error.code === "EMSGSIZE") return;
	throw error;
});
socket.once("message", (answer) => {
	clearInterval(again);
	clearTimeout(end);
	const tries = sent === 1 ? "" : `, at try ${sent}`;
	console.log(
		`${request.length} bytes there (${digest(request)}), ${answer.length} bytes back (${digest(answer)})${tries}`,
	);
	process.exitCode = answer.equals(request) ? 0 : 1;
	socket.close();
});
