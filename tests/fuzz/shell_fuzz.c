/* SPDX-License-Identifier: MIT */
/*
 * A host's shell that stays, and says anything: host_shell.h.
 *
 * Input: a byte with the number of commands (2 bits) and whether they have
 * input (SENDS), one with the most bytes of output, in units of UNIT_BYTES, one
 * with the status of its end, and then what is said. In that some bytes are
 * directions: the mark of this shell, the other output, a wait for what the
 * host is sent, the end of an output, many bytes of the next one. All other
 * bytes are said as they are. When all was said, both outputs end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fuzz/fuzz_input.h"
#include "transport/base/buf.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host_shell.h"

enum {
	COMMANDS = 3,
	SENDS = 4,
	UNIT_BYTES = 16,
	MANY_BYTES = 40000,
	LONG_MS = 60000,
};
enum direction {
	SAY_MARK = 1,
	SAY_ON_OTHER,
	SAY_WAIT,
	SAY_END,
	SAY_MANY,
};

/* The far side of a shell. */
static struct peer {
	struct fuzz_input says;
	int in, out[2]; /* -1: ended */
	int which;	/* output */
	struct buf heard;
	char *mark; /* NULL: not heard yet */
	int status;
} peer;

/* --- what it says --------------------------------------------------------- */

static void hear(void)
{
	ssize_t n = recv(peer.in, buf_reserve(&peer.heard, 4096), 4096,
			 MSG_DONTWAIT);
	const char *end;

	if (n > 0)
		buf_commit(&peer.heard, (size_t)n);
	end = strchr(buf_data(&peer.heard), '\n');
	if (!peer.mark && n == 0)
		peer.mark = xstrdup("");
	if (!peer.mark && end)
		peer.mark = xstrndup(buf_data(&peer.heard),
				     (size_t)(end - buf_data(&peer.heard)));
}

/* For some turns: the other side may have nothing to send. */
static void hear_more(void)
{
	for (int i = 0; i < 4; i++) {
		hear();
		task_yield();
	}
}

/* One that nobody reads any more takes nothing. */
static void say(const char *text, size_t len)
{
	while (len && peer.out[peer.which] >= 0) {
		ssize_t n = send(peer.out[peer.which], text, len,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return;
		if (n < 0) {
			task_yield();
			continue;
		}
		text += n;
		len -= (size_t)n;
	}
}

static void say_many(char byte)
{
	AUTO_FREE char *text = xcalloc(MANY_BYTES, 1);

	memset(text, byte, MANY_BYTES);
	say(text, MANY_BYTES);
}

static void say_next(struct fuzz_input *in)
{
	unsigned int byte = fuzz_take(in);
	char one = (char)byte;

	switch (byte) {
	case SAY_MARK:
		say("\n", 1);
		say(peer.mark, strlen(peer.mark));
		say(" ", 1);
		break;
	case SAY_ON_OTHER:
		peer.which = !peer.which;
		break;
	case SAY_WAIT:
		hear_more();
		break;
	case SAY_END:
		close_fd(steal_fd(&peer.out[peer.which]));
		break;
	case SAY_MANY:
		say_many((char)fuzz_take(in));
		break;
	default:
		say(&one, 1);
	}
}

static void end_all(void)
{
	for (int i = 0; i < 2; i++)
		close_fd(steal_fd(&peer.out[i]));
}

static void play(void *arg)
{
	(void)arg;
	while (!peer.mark) {
		hear();
		task_yield();
	}
	while (peer.says.len && (peer.out[0] >= 0 || peer.out[1] >= 0))
		say_next(&peer.says);
	end_all();
}

/* --- the back end --------------------------------------------------------- */

static int pair(int *fd)
{
	int p[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p) < 0)
		abort();
	*fd = p[0];
	return p[1];
}

static void *shell_start(void *back_end, const char *line, int fds[3],
			 struct mono deadline, struct err *err)
{
	(void)deadline;
	(void)err;
	fuzz_claim(*line != '\0', "there is a command line");
	peer.in = pair(&fds[0]);
	peer.out[0] = pair(&fds[1]);
	peer.out[1] = pair(&fds[2]);
	return back_end;
}

static int shell_await_end(void *started, struct mono deadline, int *status,
			   struct err *err)
{
	(void)started;
	(void)deadline;
	(void)err;
	*status = peer.status;
	return 0;
}

static void shell_stop(void *started)
{
	(void)started;
}

static const struct host_shell_ops ops = {
	.start = shell_start,
	.await_end = shell_await_end,
	.stop = shell_stop,
};

/* --- its user ------------------------------------------------------------- */

struct wish {
	unsigned int flags;
	size_t max_output;
};

static void check_output(struct buf *b, size_t most)
{
	AUTO_FREE char *whole = xasprintf("\n%s ", peer.mark);

	fuzz_claim(buf_len(b) <= most, "output is not longer than allowed");
	fuzz_claim(!memmem(buf_data(b), buf_len(b), whole, strlen(whole)),
		   "no mark is output");
}

static bool run(struct host_shell *s, const struct wish *w)
{
	static const char *const argv[] = { "printf", "%s", "a 'b'\n", NULL };
	const struct host_command cmd = {
		.argv = argv,
		.input = "input",
		.input_len = w->flags & SENDS ? 5 : 0,
		.max_output = w->max_output,
		.deadline = mono_in_ms(LONG_MS),
	};
	struct host_result r = { 0 };
	AUTO_ERR struct err err = { 0 };
	int rc = host_shell_run(s, &cmd, &r, &err);

	if (rc == 0) {
		check_output(&r.out, w->max_output);
		check_output(&r.err, w->max_output);
		fuzz_claim(r.status >= 0 && r.status <= 999,
			   "a status is one of a shell's");
	} else {
		fuzz_claim(err.kind != ERR_NONE && err.message &&
				   err.kind != ERR_TIMEOUT,
			   "a command that fails says why");
		fuzz_claim(!host_shell_is_usable(s),
			   "after a failure nothing more is run");
	}
	host_result_free(&r);
	return rc == 0 && host_shell_is_usable(s);
}

static void use(void *arg)
{
	const struct wish *w = arg;
	struct task *player = task_start(task_loop(), "shell", play, NULL);
	AUTO_ERR struct err err = { 0 };
	struct host_shell *s = host_shell_open(&ops, &peer, "hostb", NULL,
					       mono_in_ms(LONG_MS), &err);

	fuzz_claim(s || (err.message && err.kind != ERR_TIMEOUT),
		   "a login that fails says why");
	for (unsigned int i = 0; s && i <= (w->flags & COMMANDS); i++) {
		if (!run(s, w))
			break;
	}
	host_shell_close(s);
	task_join(player);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct wish w = { .flags = fuzz_take(&in) };

	w.max_output = (fuzz_take(&in) + 1) * UNIT_BYTES;
	peer = (struct peer){ .in = -1, .out = { -1, -1 } };
	peer.status = (int)fuzz_take(&in);
	peer.says = in;
	fuzz_in_task(use, &w);
	close_fd(peer.in);
	end_all();
	buf_free(&peer.heard);
	free(peer.mark);
	return 0;
}
