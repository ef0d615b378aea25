/* SPDX-License-Identifier: Apache-2.0 */
/* How long a coprocess takes from a line to its answer.
 *
 *   coprocess COUNT LINE COMMAND [ARGUMENT…]
 *
 * Starts the command with pipes, and gives it LINE again and again, each time
 * when the answer to the one before has come. A "%" in LINE is the count. Warms
 * up with a tenth, then prints microseconds for one line there and back.
 */
#include "common.h"

#include <unistd.h>

static void start(char **command, int *to, int *from)
{
	int in[2], out[2];
	pid_t pid;

	if (pipe(in) || pipe(out))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		close(in[1]);
		close(out[0]);
		execvp(command[0], command);
		die(command[0]);
	}
	close(in[0]);
	close(out[1]);
	*to = in[1];
	*from = out[0];
}

/* Writes the line with the count in place of "%". */
static void ask(int to, const char *line, long count)
{
	const char *percent = strchr(line, '%');
	char text[512];
	int size;

	if (percent)
		size = snprintf(text, sizeof(text), "%.*s%ld%s\n", (int)(percent - line), line,
				count, percent + 1);
	else
		size = snprintf(text, sizeof(text), "%s\n", line);
	if (write(to, text, size) != size)
		die("write");
}

static void await_answer(int from)
{
	static char text[65536];
	ssize_t size;

	do {
		size = read(from, text, sizeof(text));
		if (size <= 0)
			die("the command ended");
	} while (text[size - 1] != '\n');
}

int main(int argc, char **argv)
{
	long count, warm;
	double begin = 0;
	int to, from;

	if (argc < 4) {
		fputs("usage: coprocess COUNT LINE COMMAND [ARGUMENT…]\n", stderr);
		return 2;
	}
	count = atol(argv[1]);
	warm = count / 10;
	start(argv + 3, &to, &from);
	for (long i = 0; i < warm + count; i++) {
		if (i == warm)
			begin = now();
		ask(to, argv[2], i);
		await_answer(from);
	}
	printf("%.2f\n", 1e6 * (now() - begin) / (double)count);
	return 0;
}
