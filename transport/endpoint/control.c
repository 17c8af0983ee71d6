/* SPDX-License-Identifier: MIT */
/* control: what an endpoint and its parent say to each other. */
#include "transport/endpoint/control.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "transport/base/xalloc.h"

static_assert(sizeof(struct control_counters) <= CONTROL_COUNTERS_BYTES,
	      "the counters fit their file");

/* --- phases --------------------------------------------------------------- */

static const char *const names[] = {
	[CONTROL_CONFIG] = "CONFIG",
	[CONTROL_RELAY] = "RELAY",
	[CONTROL_HELLO] = "HELLO",
	[CONTROL_HOSTKEY] = "HOSTKEY",
	[CONTROL_HOSTKEY_OK] = "HOSTKEY_OK",
	[CONTROL_METHODS] = "METHODS",
	[CONTROL_KEY] = "KEY",
	[CONTROL_SIGN] = "SIGN",
	[CONTROL_SIGNATURE] = "SIGNATURE",
	[CONTROL_PASSWORD] = "PASSWORD",
	[CONTROL_INTERVIEW] = "INTERVIEW",
	[CONTROL_PROMPT] = "PROMPT",
	[CONTROL_ANSWER] = "ANSWER",
	[CONTROL_REFUSED] = "REFUSED",
	[CONTROL_READY] = "READY",
	[CONTROL_OPEN] = "OPEN",
	[CONTROL_OPENED] = "OPENED",
	[CONTROL_FAILED] = "FAILED",
	[CONTROL_ATTACH] = "ATTACH",
	[CONTROL_EOF] = "EOF",
	[CONTROL_ENDED] = "ENDED",
	[CONTROL_CLOSE] = "CLOSE",
	[CONTROL_PING] = "PING",
	[CONTROL_PONG] = "PONG",
	[CONTROL_ERROR] = "ERROR",
};
static_assert(ARRAY_SIZE(names) == CONTROL_WORDS, "each word has a name");

const char *control_word_name(int word)
{
	return word > 0 && word < CONTROL_WORDS ? names[word] : "?";
}

#define P CONTROL_PARENT
#define E CONTROL_ENDPOINT
#define AT(phase) CONTROL_AT_##phase

static const struct {
	enum control_phase phase;
	enum control_side side;
	enum control_word word;
	enum control_phase next;
} steps[] = {
	{ AT(START), P, CONTROL_CONFIG, AT(HELLO) },
	{ AT(START), P, CONTROL_RELAY, AT(RELAY_HELLO) },
	{ AT(RELAY_HELLO), E, CONTROL_HELLO, AT(WORK) },
	{ AT(HELLO), E, CONTROL_HELLO, AT(EXCHANGE) },
	{ AT(EXCHANGE), E, CONTROL_HOSTKEY, AT(VERDICT) },
	{ AT(VERDICT), P, CONTROL_HOSTKEY_OK, AT(METHODS) },
	{ AT(METHODS), E, CONTROL_METHODS, AT(LOGIN) },
	{ AT(METHODS), E, CONTROL_READY, AT(WORK) },
	{ AT(LOGIN), P, CONTROL_KEY, AT(ATTEMPT) },
	{ AT(LOGIN), P, CONTROL_PASSWORD, AT(ATTEMPT) },
	{ AT(LOGIN), P, CONTROL_INTERVIEW, AT(ATTEMPT) },
	{ AT(ATTEMPT), E, CONTROL_SIGN, AT(SIGNATURE) },
	{ AT(SIGNATURE), P, CONTROL_SIGNATURE, AT(ATTEMPT) },
	{ AT(ATTEMPT), E, CONTROL_PROMPT, AT(ANSWER) },
	{ AT(ANSWER), P, CONTROL_ANSWER, AT(ATTEMPT) },
	{ AT(ATTEMPT), E, CONTROL_REFUSED, AT(LOGIN) },
	{ AT(ATTEMPT), E, CONTROL_READY, AT(WORK) },
	{ AT(WORK), P, CONTROL_OPEN, AT(WORK) },
	{ AT(WORK), P, CONTROL_ATTACH, AT(WORK) },
	{ AT(WORK), P, CONTROL_CLOSE, AT(WORK) },
	{ AT(WORK), P, CONTROL_PING, AT(WORK) },
	{ AT(WORK), E, CONTROL_OPENED, AT(WORK) },
	{ AT(WORK), E, CONTROL_FAILED, AT(WORK) },
	{ AT(WORK), E, CONTROL_EOF, AT(WORK) },
	{ AT(WORK), E, CONTROL_ENDED, AT(WORK) },
	{ AT(WORK), E, CONTROL_PONG, AT(WORK) },
};

bool control_step(enum control_phase *phase, enum control_side side,
		  enum control_word word)
{
	enum control_phase now = *phase;

	*phase = CONTROL_AT_END;
	if (word == CONTROL_ERROR)
		return side == CONTROL_ENDPOINT && now != CONTROL_AT_START &&
		       now != CONTROL_AT_END;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		if (steps[i].phase == now && steps[i].side == side &&
		    steps[i].word == word) {
			*phase = steps[i].next;
			return true;
		}
	}
	return false;
}

/* --- messages ------------------------------------------------------------- */

ssize_t control_strings(const char *text, size_t len, const char **strings,
			size_t n)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		const char *nul = memchr(text + used, '\0', len - used);

		if (!nul)
			return -1;
		strings[i] = text + used;
		used = (size_t)(nul - text) + 1;
	}
	return (ssize_t)used;
}

union control_fds {
	char bytes[CMSG_SPACE(CONTROL_FDS_MAX * sizeof(int))];
	struct cmsghdr align;
};

static void put_fds(struct msghdr *msg, union control_fds *room, const int *fds,
		    size_t n)
{
	struct cmsghdr *c;

	if (!n)
		return;
	memset(room, 0, sizeof(*room));
	msg->msg_control = room->bytes;
	msg->msg_controllen = CMSG_SPACE(n * sizeof(int));
	c = CMSG_FIRSTHDR(msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
}

int control_send(int fd, const struct control_head *head, const void *text,
		 size_t len, const int *fds, size_t n_fds, struct err *err)
{
	struct iovec iov[] = {
		{ .iov_base = (void *)head, .iov_len = sizeof(*head) },
		{ .iov_base = (void *)text, .iov_len = len },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = ARRAY_SIZE(iov) };
	union control_fds room;

	assert(len <= CONTROL_TEXT_MAX && n_fds <= CONTROL_FDS_MAX);
	put_fds(&msg, &room, fds, n_fds);
	while (sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN)
			return 1;
		if (errno == EPIPE || errno == ECONNRESET)
			return err_set(err, ERR_CLOSED,
				       "the control socket was closed");
		return err_sys(err, errno, "cannot send a control message");
	}
	return 0;
}

static void take_fds_of(struct msghdr *msg, struct control_message *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);

	for (; c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		m->n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(m->fds, CMSG_DATA(c), m->n_fds * sizeof(int));
	}
}

void control_drop_fds(struct control_message *m)
{
	for (size_t i = 0; i < m->n_fds; i++)
		close_fd(steal_fd(&m->fds[i]));
	m->n_fds = 0;
}

/* The length of a packet, -1 when nothing could be received. */
static ssize_t receive(int fd, struct control_message *m, bool take_fds,
		       int *flags)
{
	struct iovec iov[] = {
		{ .iov_base = &m->head, .iov_len = sizeof(m->head) },
		{ .iov_base = m->text, .iov_len = CONTROL_TEXT_MAX },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = ARRAY_SIZE(iov) };
	union control_fds room;
	ssize_t n;

	m->n_fds = 0;
	if (take_fds) {
		msg.msg_control = room.bytes;
		msg.msg_controllen = sizeof(room.bytes);
	}
	do
		n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n >= 0 && take_fds)
		take_fds_of(&msg, m);
	*flags = msg.msg_flags;
	return n;
}

int control_receive(int fd, struct control_message *m, bool take_fds,
		    struct err *err)
{
	int flags = 0;
	ssize_t n = receive(fd, m, take_fds, &flags);

	if (n < 0 && errno == EAGAIN)
		return 1;
	if (n < 0 && errno != ECONNRESET)
		return err_sys(err, errno, "cannot receive a control message");
	if (n <= 0)
		return err_set(err, ERR_CLOSED,
			       "the control socket was closed");
	if ((size_t)n < sizeof(m->head) || (flags & (MSG_TRUNC | MSG_CTRUNC))) {
		control_drop_fds(m);
		return err_set(err, ERR_PROTOCOL,
			       "a control message of %zd bytes is none", n);
	}
	m->len = (size_t)n - sizeof(m->head);
	m->text[m->len] = '\0';
	return 0;
}
