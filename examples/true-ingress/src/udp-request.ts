// Sends datagrams, one for each size, and waits for each to come back: udp-request.ts ADDRESS PORT BYTES…
//
// Sends again as long as no answer comes, as a UDP client must: the first one that is too large for the tunnel only
// tells the sender's kernel what fits, and the next one goes in fragments.
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";

const AGAIN_MS = 300;
const PATIENCE_MS = 3000;

const [address = "", port = "", ...sizes] = process.argv.slice(2);
const socket = createSocket("udp4");
// Connected: an answer from any other address than the one asked is not ours.
socket.connect(Number(port), address);
await once(socket, "connect");
socket.on("error", (error: NodeJS.ErrnoException) => {
	if (error.code !== "EMSGSIZE") throw error;
});

for (const size of sizes) {
	const request = randomBytes(Number(size));
	const tries = await echo(request);
	const again = tries === 1 ? "" : `, at try ${tries}`;
	console.log(`${request.length} bytes there, the same back${again}`);
}
socket.close();

/** @returns how often it had to be sent */
async function echo(request: Buffer): Promise<number> {
	let sent = 0;
	const send = () => {
		sent++;
		socket.send(request);
	};
	const again = setInterval(send, AGAIN_MS);
	const end = setTimeout(() => {
		console.error(`${request.length} bytes there, no answer`);
		process.exit(1);
	}, PATIENCE_MS);
	send();
	await new Promise<void>((resolve) => {
		// Late answers to what was sent twice are let go.
		socket.on("message", (answer) => answer.equals(request) && resolve());
	});
	socket.removeAllListeners("message");
	clearInterval(again);
	clearTimeout(end);
	return sent;
}
