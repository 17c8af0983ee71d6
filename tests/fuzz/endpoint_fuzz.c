/* SPDX-License-Identifier: MIT */
/*
 * An endpoint that says anything: one that the server has taken over. Login,
 * sign of life and a command, as the parent drives them.
 *
 * Input: a byte of flags, then messages: word, id, a, length in units of
 * UNIT_BYTES, each a byte, and the text. A word of SHORT is a packet that is no
 * message. When all were said, the endpoint ends.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fuzz/fuzz_input.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/child.h"
#include "transport/endpoint/control.h"
#include "transport/ssh_channel.h"
#include "transport/ssh_dial.h"
#include "transport/ssh_login.h"

enum { WITH_PASSWORD = 1, UNIT_BYTES = 4, SHORT = 0xff, LONG_MS = 60000 };

/* --- in the place of configuration and network ---------------------------- */

int __wrap_ssh_dial(const struct ssh_config *c,
		    const struct ssh_dial_options *o, struct ssh_proxy **proxy,
		    struct mono deadline, struct err *err);
int __wrap_ssh_config_read(struct ssh_config *c, const struct host_target *t,
			   const struct host_options *opt, struct mono deadline,
			   struct err *err);

int __wrap_ssh_dial(const struct ssh_config *c,
		    const struct ssh_dial_options *o, struct ssh_proxy **proxy,
		    struct mono deadline, struct err *err)
{
	(void)c;
	(void)o;
	(void)deadline;
	(void)err;
	*proxy = NULL;
	return eventfd(0, EFD_CLOEXEC);
}

int __wrap_ssh_config_read(struct ssh_config *c, const struct host_target *t,
			   const struct host_options *opt, struct mono deadline,
			   struct err *err)
{
	(void)opt;
	(void)deadline;
	(void)err;
	*c = (struct ssh_config){
		.hostname = xstrdup(t->host),
		.port = xstrdup("22"),
		.user = xstrdup("nobody"),
		.agent = xstrdup("none"),
	};
	/* takes any key and keeps none */
	strv_push(&c->user_known_hosts, "/dev/null");
	return 0;
}

/* --- in the place of a process -------------------------------------------- */

static struct endpoint {
	int control_fd; /* -1: it has ended */
	int end_fd;	/* readable then */
	struct fuzz_input says;
} endpoint = { .control_fd = -1, .end_fd = -1 };

struct child *__wrap_child_start(const struct child_spec *spec,
				 struct err *err);
int __wrap_child_take_stderr(struct child *c);
int __wrap_child_end_fd(const struct child *c);
bool __wrap_child_ended(struct child *c);
int __wrap_child_wait(struct child *c, struct mono deadline, int *status,
		      struct err *err);
void __wrap_child_kill(struct child *c);
void __wrap_child_free(struct child *c);

static void end_endpoint(void)
{
	close_fd(steal_fd(&endpoint.control_fd));
	(void)eventfd_write(endpoint.end_fd, 1);
}

struct child *__wrap_child_start(const struct child_spec *spec, struct err *err)
{
	(void)err;
	endpoint.control_fd = dup(spec->more[0]);
	endpoint.end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return (struct child *)&endpoint;
}

int __wrap_child_take_stderr(struct child *c)
{
	(void)c;
	return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

int __wrap_child_end_fd(const struct child *c)
{
	(void)c;
	return endpoint.end_fd;
}

bool __wrap_child_ended(struct child *c)
{
	(void)c;
	return endpoint.control_fd < 0;
}

int __wrap_child_wait(struct child *c, struct mono deadline, int *status,
		      struct err *err)
{
	(void)c;
	(void)deadline;
	(void)err;
	if (status)
		*status = 0;
	return 0;
}

void __wrap_child_kill(struct child *c)
{
	(void)c;
	end_endpoint();
}

void __wrap_child_free(struct child *c)
{
	if (!c)
		return;
	end_endpoint();
	close_fd(steal_fd(&endpoint.end_fd));
}

/* --- what it says --------------------------------------------------------- */

static void say_next(struct fuzz_input *in)
{
	struct control_head head = { .word = fuzz_take(in) };
	size_t len;

	head.id = fuzz_take(in);
	head.a = (int32_t)fuzz_take(in);
	len = fuzz_take(in) * UNIT_BYTES;
	if (len > in->len)
		len = in->len;
	if (head.word == SHORT)
		(void)!send(endpoint.control_fd, in->data, len,
			    MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		(void)control_send(endpoint.control_fd, &head, in->data, len,
				   NULL, 0, NULL);
	in->data += len;
	in->len -= len;
}

/* Each message after one of the parent's, or some turns without one. */
static void play(void *arg)
{
	static struct control_message heard;

	(void)arg;
	while (endpoint.control_fd < 0)
		task_yield();
	while (endpoint.says.len && endpoint.control_fd >= 0) {
		for (int i = 0; i < 4 && endpoint.control_fd >= 0 &&
				control_receive(endpoint.control_fd, &heard,
						true, NULL) != 0;
		     i++)
			task_yield();
		control_drop_fds(&heard);
		if (endpoint.control_fd >= 0)
			say_next(&endpoint.says);
		task_yield();
	}
	if (endpoint.control_fd >= 0)
		end_endpoint();
}

/* --- the parent ----------------------------------------------------------- */

static char *password(void *arg, const char *prompt, enum host_ask what)
{
	(void)arg;
	(void)what;
	fuzz_claim(prompt && *prompt, "a question has words");
	return xstrdup("secret");
}

static void use(struct ssh_session *s)
{
	AUTO_ERR struct err err = { 0 };
	struct ssh_channel *c;
	int status;

	(void)ssh_session_ping(s, mono_in_ms(LONG_MS), NULL);
	c = ssh_channel_exec(s, "true", mono_in_ms(LONG_MS), &err);
	fuzz_claim(c || err.message, "a command that fails says why");
	if (c)
		(void)ssh_channel_await_end(c, mono_in_ms(LONG_MS), &status,
					    NULL);
	ssh_channel_close(c);
}

static void login(void *arg)
{
	const unsigned int *flags = arg;
	const struct host_options opt = {
		.accept_new_host_key = true,
		.ask = *flags & WITH_PASSWORD ? password : NULL,
	};
	struct host_target t = { .host = (char *)"hostb" };
	struct task *player = task_start(task_loop(), "endpoint", play, NULL);
	AUTO_ERR struct err err = { 0 };
	struct ssh_link link;
	struct ssh_login *l;
	bool beyond;

	l = ssh_login_new(&t, "hostb", &opt, &link, &beyond,
			  mono_in_ms(LONG_MS), &err);
	fuzz_claim(l || (err.message && err.kind != ERR_TIMEOUT),
		   "a login that fails says why");
	if (l) {
		use(link.session);
		ssh_link_close(&link);
		ssh_login_free(l);
	}
	task_join(player);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	endpoint_child_program("/nowhere");
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	unsigned int flags = fuzz_take(&in);

	endpoint.says = in;
	fuzz_in_task(login, &flags);
	return 0;
}
