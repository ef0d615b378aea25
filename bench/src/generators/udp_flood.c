/* SPDX-License-Identifier: Apache-2.0 */
/* Sends UDP packets as fast as it goes.
 *
 *   udp_flood ADDRESS FIRST_PORT PORTS FLOWS BYTES SECONDS   prints packets for each second
 *
 * Each flow has a source port of its own, and goes to one of PORTS consecutive
 * ports; flows take turns, a batch of packets each.
 */
#include "common.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define BATCH 32
#define LARGEST 1472

static int flow(const char *address, int port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0)
		die("socket");
	if (inet_pton(AF_INET, address, &to.sin_addr) != 1) {
		errno = EINVAL;
		die(address);
	}
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		die("connect");
	return fd;
}

int main(int argc, char **argv)
{
	static char payload[LARGEST];
	struct iovec part = {.iov_base = payload};
	struct mmsghdr batch[BATCH] = {};
	int first, ports, flows, *fds;
	double begin, seconds, end;
	long sent = 0;

	if (argc != 7) {
		fputs("usage: udp_flood ADDRESS FIRST_PORT PORTS FLOWS BYTES SECONDS\n", stderr);
		return 2;
	}
	first = atoi(argv[2]);
	ports = atoi(argv[3]);
	flows = atoi(argv[4]);
	part.iov_len = atoi(argv[5]);
	seconds = atof(argv[6]);
	if (part.iov_len > LARGEST || ports < 1 || flows < 1) {
		errno = ERANGE;
		die("read the arguments");
	}
	fds = calloc(flows, sizeof(*fds));
	for (int i = 0; i < flows; i++)
		/* A stride that meets every port before it meets one again. */
		fds[i] = flow(argv[1], first + (int)((long)i * 7919 % ports));
	for (int i = 0; i < BATCH; i++) {
		batch[i].msg_hdr.msg_iov = &part;
		batch[i].msg_hdr.msg_iovlen = 1;
	}
	begin = end = now();
	for (int turn = 0; end - begin < seconds; turn = (turn + 1) % flows) {
		int done = sendmmsg(fds[turn], batch, BATCH, 0);

		/* Refused: what came back of an earlier packet. */
		if (done < 0 && errno != ECONNREFUSED && errno != ENOBUFS)
			die("send");
		sent += done > 0 ? done : 0;
		end = now();
	}
	printf("%.0f\n", (double)sent / (end - begin));
	return 0;
}
