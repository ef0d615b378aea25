/* SPDX-License-Identifier: Apache-2.0 */
/* How many TCP connections a second a path takes.
 *
 *   connects serve ADDRESS PORT             accepts and closes, until killed
 *   connects count ADDRESS PORT SECONDS     prints connections for each second
 *
 * The client keeps a fixed number of connections on the way and resets each as
 * soon as it stands: four packets a connection, and no TIME_WAIT to run out of
 * ports.
 */
#include "common.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ON_THE_WAY 64
#define BACKLOG 4096

/* The kernel may give the far end's reset before it gives the connection:
 * neither end is worth an error.
 */
static void reset(int fd)
{
	struct linger at_once = {.l_onoff = 1, .l_linger = 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fd);
}

static void serve(const struct sockaddr_in *address)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int on = 1;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (const struct sockaddr *)address, sizeof(*address)))
		die("bind");
	if (listen(listener, BACKLOG))
		die("listen");
	puts("listening");
	fflush(stdout);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd >= 0)
			reset(fd);
		else if (errno != ECONNABORTED && errno != EINTR)
			die("accept");
	}
}

static void start(int epoll, const struct sockaddr_in *address)
{
	struct epoll_event event = {.events = EPOLLOUT};

	event.data.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (event.data.fd < 0)
		die("socket");
	if (connect(event.data.fd, (const struct sockaddr *)address, sizeof(*address)) &&
	    errno != EINPROGRESS)
		die("connect");
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event))
		die("epoll_ctl");
}

static void count(const struct sockaddr_in *address, double seconds)
{
	struct epoll_event events[ON_THE_WAY];
	int epoll = epoll_create1(0);
	double begin = now();
	double end = begin;
	long done = 0;

	for (int i = 0; i < ON_THE_WAY; i++)
		start(epoll, address);
	while (end - begin < seconds) {
		int ready = epoll_wait(epoll, events, ON_THE_WAY, 100);

		end = now();
		for (int i = 0; i < ready; i++) {
			int fd = events[i].data.fd;
			int error = 0;
			socklen_t size = sizeof(error);

			getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
			/* Reset by the far end, which was faster: it stood. */
			if (error && error != ECONNRESET) {
				errno = error;
				die("connect");
			}
			done++;
			reset(fd);
			start(epoll, address);
		}
	}
	printf("%.1f\n", (double)done / (end - begin));
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET};

	if (argc < 4 || inet_pton(AF_INET, argv[2], &address.sin_addr) != 1) {
		fputs("usage: connects serve|count ADDRESS PORT [SECONDS]\n", stderr);
		return 2;
	}
	address.sin_port = htons((unsigned short)atoi(argv[3]));
	if (strcmp(argv[1], "serve") == 0)
		serve(&address);
	else
		count(&address, argc > 4 ? atof(argv[4]) : 1);
	return 0;
}
