import { closeSync } from "node:fs";
import {
	AF_UNIX,
	check,
	connect,
	SOCK_DGRAM,
	send,
	sockaddrUnix,
	socket,
} from "./libc.js";

/** Notifies the service manager, if there is one, that the sockets are ready, as sd_notify(3) does. */
export function notifyReady(path: string | undefined): void {
	if (!path) return;
	const fd = check(socket(AF_UNIX, SOCK_DGRAM, 0), "socket");
	const name = sockaddrUnix(path);
	check(connect(fd, name, name.length), `connect to ${path}`);
	const text = Buffer.from("READY=1\n");
	check(Number(send(fd, text, text.length, 0)), "send");
	closeSync(fd);
}
