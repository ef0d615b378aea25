// The backend: server.ts FILE [HTTP-PORT [UDP-PORT]]
//
// HTTP   GET gives FILE, PUT answers with the SHA-256 of its body
// UDP    every datagram goes back to its sender
import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { pipeline } from "node:stream/promises";

const [file = "", httpPort = "8080", udpPort = "9000"] = process.argv.slice(2);

const http = createServer(async (request, response) => {
	try {
		if (request.method === "PUT") {
			const hash = createHash("sha256");
			await pipeline(request, hash);
			response.end(`${hash.digest("hex")}\n`);
			return;
		}
		response.setHeader("content-length", statSync(file).size);
		await pipeline(createReadStream(file), response);
	} catch {
		// The client went away; the next one may stay.
		response.destroy();
	}
});

const udp = createSocket("udp4");
udp.on("message", (message, { port, address }) =>
	udp.send(message, port, address),
);

udp.bind(Number(udpPort), () =>
	http.listen(Number(httpPort), () =>
		console.log(`listening on tcp ${httpPort} and udp ${udpPort}`),
	),
);
