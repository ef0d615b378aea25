// Sends a datagram each 5 ms until it is ended, and counts the echoes: traffic.ts ADDRESS PORT
import { createSocket } from "node:dgram";

const [address = "", port = ""] = process.argv.slice(2);
const socket = createSocket("udp4");
const waiting = new Set<number>();
let sent = 0;

socket.on("message", (message) => waiting.delete(message.readUInt32BE(0)));
const ticker = setInterval(() => {
	const message = Buffer.alloc(64);
	message.writeUInt32BE(sent, 0);
	waiting.add(sent++);
	socket.send(message, Number(port), address);
}, 5);

process.once("SIGTERM", () => {
	clearInterval(ticker);
	// The last ones are under way.
	setTimeout(() => {
		console.log(`sent ${sent}, received ${sent - waiting.size}`);
		process.exit();
	}, 500);
});
console.log("sending");
