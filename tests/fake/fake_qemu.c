/* SPDX-License-Identifier: MIT */
/* fake_qemu: a scripted QEMU monitor for tests. */
#include "tests/fake/fake_qemu.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "qmp/frame.h"
#include "qmp/json.h"
#include "tests/fake/schema.h"
#include "transport/base/xalloc.h"

enum { MAX_HELD = 16 };

struct fake_qemu {
	struct fake_options options;
	const struct fake_step *steps;
	size_t n;
	size_t at;

	pthread_t thread;
	int client_fd; /* of the socketpair, until it is taken */
	int listen_fd;
	int fd;
	int received_fd;
	bool left; /* the client has closed its end */
	struct frame frame;
	struct schema *schema;
	struct json_object *held[MAX_HELD]; /* commands, oldest first */
	size_t n_held;
	char *problem;
};

const char *const fake_qemu_versions[] = { "7.2.22", "10.0.2", "11.1.3", NULL };

struct json_object *fake_qemu_schema(const char *version)
{
	AUTO_FREE char *path =
		xasprintf("tests/data/schema/qemu-%s.json", version);
	AUTO_BUF struct buf b = { 0 };
	struct json_object *o;
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f) {
		fprintf(stderr, "%s: %s (run from the top of the tree)\n", path,
			strerror(errno));
		abort();
	}
	while ((n = fread(buf_reserve(&b, 65536), 1, 65536, f)) > 0)
		buf_commit(&b, n);
	fclose(f);
	o = json_parse(buf_data(&b), buf_len(&b), NULL);
	if (!o)
		abort();
	return o;
}

/* --- failures ------------------------------------------------------------ */

/* The first problem counts; -1, to end the script. */
static int __attribute__((format(printf, 2, 3)))
problem(struct fake_qemu *f, const char *fmt, ...)
{
	AUTO_FREE char *text = NULL;
	va_list ap;

	if (f->problem)
		return -1;
	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	f->problem = xasprintf("step %zu of %zu: %s", f->at + 1, f->n, text);
	return -1;
}

static int problem_err(struct fake_qemu *f, struct err *err)
{
	AUTO_FREE char *text = err_text(err);

	return problem(f, "%s", text);
}

/* --- bytes --------------------------------------------------------------- */

/*
 * 1 when the client has left, which is no fault by itself: what the script
 * still wants of it says.
 */
static int send_bytes(struct fake_qemu *f, const char *data, size_t len)
{
	size_t chunk = f->options.chunk ? f->options.chunk : len;

	while (len && f->fd >= 0) {
		size_t part = len < chunk ? len : chunk;
		ssize_t n = send(f->fd, data, part, MSG_NOSIGNAL);

		if (n < 0)
			return 1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int send_document(struct fake_qemu *f, struct json_object *o)
{
	AUTO_FREE char *text = xasprintf(
		"%s\r\n",
		json_object_to_json_string_ext(
			o, f->options.pretty ? JSON_C_TO_STRING_PRETTY
					     : JSON_C_TO_STRING_SPACED));

	json_object_put(o);
	(void)send_bytes(f, text, strlen(text));
	return 0;
}

static void keep_fd(struct fake_qemu *f, struct msghdr *msg)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);

	if (!c || c->cmsg_type != SCM_RIGHTS)
		return;
	close_fd(f->received_fd);
	memcpy(&f->received_fd, CMSG_DATA(c), sizeof(int));
}

static int wait_readable(struct fake_qemu *f, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, FAKE_PATIENCE_MS) <= 0)
		return problem(f, "the client keeps silent");
	return 0;
}

/* 1: more bytes in the frame; 0: the client has left. */
static int receive(struct fake_qemu *f)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char data[4096];
	struct iovec iov = { data, sizeof(data) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t n;

	if (f->left)
		return 0;
	if (wait_readable(f, f->fd) < 0)
		return -1;
	n = recvmsg(f->fd, &msg, MSG_CMSG_CLOEXEC);
	if (n <= 0) {
		f->left = true;
		return 0;
	}
	keep_fd(f, &msg);
	frame_push(&f->frame, data, (size_t)n);
	return 1;
}

/* 1: *command is the next one, owned; 0: the client has left. */
static int next_command(struct fake_qemu *f, struct json_object **command)
{
	AUTO_ERR struct err err = { 0 };
	const char *text;
	size_t len;
	int got;

	while ((got = frame_next(&f->frame, &text, &len, &err)) == 0) {
		int more = receive(f);

		if (more <= 0)
			return more;
	}
	if (got > 0)
		*command = json_parse(text, len, &err);
	return got > 0 && *command ? 1 : problem_err(f, &err);
}

/* --- answers ------------------------------------------------------------- */

static struct json_object *echo_id(struct json_object *command,
				   struct json_object *answer)
{
	struct json_object *id;

	if (json_object_object_get_ex(command, "id", &id))
		json_add_sub(answer, "id", json_object_get(id));
	return answer;
}

static int answer(struct fake_qemu *f, struct json_object *command,
		  const struct fake_step *s)
{
	struct json_object *o = json_new();
	const char *reply = s->reply ? s->reply : "{}";
	struct json_object *value;

	if (s->error) {
		value = json_add_str(json_new(), "class", "GenericError");
		json_add_str(value, "desc", s->error);
		json_add_sub(o, "error", value);
	} else {
		/* json-c's own reader, for replies that are mere words */
		value = json_tokener_parse(reply);
		if (!value) {
			json_object_put(o);
			return problem(f, "bad reply in the script: %s", reply);
		}
		json_add_sub(o, "return", value);
	}
	return send_document(f, echo_id(command, o));
}

static int emit(struct fake_qemu *f, const char *event)
{
	size_t len = strcspn(event, " ");
	AUTO_FREE char *name = xstrndup(event, len);
	struct json_object *o = json_new();
	struct json_object *stamp = json_new();

	json_add_i64(stamp, "seconds", 1700000000);
	json_add_i64(stamp, "microseconds", 42);
	json_add_sub(o, "timestamp", stamp);
	json_add_str(o, "event", name);
	if (event[len])
		json_add_sub(o, "data", json_tokener_parse(event + len + 1));
	if (!schema_has_event(f->schema, name)) {
		json_object_put(o);
		return problem(f, "QEMU %s has no event %s", f->options.version,
			       name);
	}
	return send_document(f, o);
}

/* --- commands ------------------------------------------------------------ */

static int check_args(struct fake_qemu *f, const char *name,
		      struct json_object *args, const struct fake_step *s)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_JSON struct json_object *wanted = NULL;

	if (schema_validate(f->schema, name, args, &err) < 0) {
		err_wrap(&err, ERR_NONE, "QEMU %s", f->options.version);
		return problem_err(f, &err);
	}
	if (!s->args)
		return 0;
	wanted = json_tokener_parse(s->args);
	if (!json_object_equal(wanted, args))
		return problem(f, "%s: expected arguments %s, got %s", name,
			       s->args, json_object_to_json_string(args));
	return 0;
}

static int check_command(struct fake_qemu *f, struct json_object *command,
			 const struct fake_step *s)
{
	struct json_object *args = NULL;
	struct json_at at = { command, "command" };
	bool oob = json_has(at, "exec-oob");
	const char *name;

	if (json_get_str(at, oob ? "exec-oob" : "execute", &name, NULL) < 0 ||
	    !json_has(at, "id"))
		return problem(f, "not a command with an id: %s",
			       json_object_to_json_string(command));
	if (strcmp(name, s->expect) != 0)
		return problem(f, "expected %s, got %s", s->expect, name);
	if (oob != s->oob || (oob && !schema_allows_oob(f->schema, name)))
		return problem(f, "%s came %s band", name,
			       oob ? "out of" : "in");
	if ((f->received_fd >= 0) != s->fd)
		return problem(f, "%s came %s a descriptor", name,
			       s->fd ? "without" : "with");
	close_fd(steal_fd(&f->received_fd));
	json_object_object_get_ex(command, "arguments", &args);
	return check_args(f, name, args, s);
}

static int serve_command(struct fake_qemu *f, const struct fake_step *s)
{
	AUTO_JSON struct json_object *command = NULL;
	int got = next_command(f, &command);

	if (got == 0)
		return problem(f, "the client left before %s", s->expect);
	if (got < 0 || check_command(f, command, s) < 0)
		return -1;
	if (s->event && emit(f, s->event) < 0)
		return -1;
	if (!s->hold)
		return s->close && !s->reply && !s->error
			       ? 0
			       : answer(f, command, s);
	if (f->n_held == MAX_HELD)
		return problem(f, "too many commands held back");
	f->held[f->n_held++] = json_object_get(command);
	return 0;
}

static int release(struct fake_qemu *f, const struct fake_step *s)
{
	int result;

	if (!f->n_held)
		return problem(f, "no command is held back");
	result = answer(f, f->held[0], s);
	json_object_put(f->held[0]);
	f->n_held--;
	for (size_t i = 0; i < f->n_held; i++)
		f->held[i] = f->held[i + 1];
	return result;
}

/* --- connections --------------------------------------------------------- */

static int greet(struct fake_qemu *f)
{
	/* what is offered has to be taken: nothing comes out of band else */
	const struct fake_step negotiation = {
		.expect = "qmp_capabilities",
		.args = f->options.no_oob ? NULL : "{\"enable\":[\"oob\"]}",
	};
	struct json_object *offers = json_object_new_array();
	struct json_object *o, *numbers = json_new();
	char *rest = (char *)f->options.version;

	if (f->options.manual)
		return json_object_put(offers), json_object_put(numbers), 0;
	json_add_i64(numbers, "major", strtol(rest, &rest, 10));
	json_add_i64(numbers, "minor", strtol(rest + 1, &rest, 10));
	json_add_i64(numbers, "micro", strtol(rest + 1, &rest, 10));
	if (!f->options.no_oob)
		json_object_array_add(offers, json_object_new_string("oob"));
	o = json_add_sub(json_new(), "qemu", numbers);
	json_add_str(o, "package", "scripted");
	o = json_add_sub(json_new(), "version", o);
	json_add_sub(o, "capabilities", offers);
	send_document(f, json_add_sub(json_new(), "QMP", o));
	return serve_command(f, &negotiation);
}

static void hang_up(struct fake_qemu *f)
{
	close_fd(steal_fd(&f->fd));
	frame_free(&f->frame);
	while (f->n_held)
		json_object_put(f->held[--f->n_held]);
}

static int take_client(struct fake_qemu *f)
{
	if (f->fd >= 0)
		return 0;
	if (f->listen_fd < 0)
		return problem(f, "no connection any more");
	if (wait_readable(f, f->listen_fd) < 0)
		return -1;
	f->fd = accept(f->listen_fd, NULL, NULL);
	if (f->fd < 0)
		return problem(f, "accept: %s", strerror(errno));
	f->left = false;
	return greet(f);
}

static int wait_left(struct fake_qemu *f)
{
	int got;

	while ((got = receive(f)) > 0)
		;
	return got;
}

static int run_step(struct fake_qemu *f, const struct fake_step *s)
{
	if (take_client(f) < 0)
		return -1;
	if (s->expect  ? serve_command(f, s) < 0
	    : s->event ? emit(f, s->event) < 0
		       : 0)
		return -1;
	if (s->release && release(f, s) < 0)
		return -1;
	for (size_t i = 0; s->raw && i <= s->flood; i++) {
		if (send_bytes(f, s->raw, strlen(s->raw)))
			break;
	}
	if (s->leaves && wait_left(f) < 0)
		return -1;
	if (s->close || s->leaves)
		hang_up(f);
	return 0;
}

/* What still comes after the last step was not expected. */
static void finish(struct fake_qemu *f)
{
	struct json_object *command = NULL;

	if (f->fd < 0)
		return;
	if (next_command(f, &command) > 0)
		problem(f, "unexpected: %s",
			json_object_to_json_string(command));
	json_object_put(command);
}

static void *run_thread(void *arg)
{
	struct fake_qemu *f = arg;
	int failed = f->fd >= 0 ? greet(f) : 0;

	while (!failed && f->at < f->n) {
		failed = run_step(f, &f->steps[f->at]);
		if (!failed)
			f->at++;
	}
	if (!failed)
		finish(f);
	hang_up(f);
	return NULL;
}

/* --- start and end ------------------------------------------------------- */

static void open_sockets(struct fake_qemu *f)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int pair[2];

	f->fd = f->client_fd = f->listen_fd = -1;
	if (!f->options.path) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
			abort();
		f->client_fd = pair[0];
		f->fd = pair[1];
		return;
	}
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", f->options.path);
	f->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(f->listen_fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(f->listen_fd, 1)) {
		perror(addr.sun_path);
		abort();
	}
}

struct fake_qemu *fake_qemu_start(const struct fake_options *options,
				  const struct fake_step *steps, size_t n)
{
	struct fake_qemu *f = XNEW(struct fake_qemu);
	AUTO_JSON struct json_object *entries = NULL;

	f->options = *options;
	if (!f->options.version)
		f->options.version = fake_qemu_versions[0];
	f->steps = steps;
	f->n = n;
	f->received_fd = -1;
	entries = fake_qemu_schema(f->options.version);
	f->schema = schema_new(entries, NULL);
	open_sockets(f);
	if (!f->schema || pthread_create(&f->thread, NULL, run_thread, f))
		abort();
	return f;
}

int fake_qemu_take_fd(struct fake_qemu *f)
{
	return steal_fd(&f->client_fd);
}

char *fake_qemu_end(struct fake_qemu *f)
{
	char *what;

	close_fd(steal_fd(&f->client_fd));
	pthread_join(f->thread, NULL);
	close_fd(f->listen_fd);
	close_fd(f->received_fd);
	if (f->options.path)
		unlink(f->options.path);
	schema_free(f->schema);
	what = f->problem;
	free(f);
	return what;
}
