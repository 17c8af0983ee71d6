/* SPDX-License-Identifier: MIT */
/* endpoint: its set-up, its end, and what all of its parts call. */
#include "transport/endpoint/endpoint.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/base/xalloc.h"
#include "transport/endpoint/cipher_hook.h"
#include "transport/endpoint/endpoint_login.h"
#include "transport/endpoint/endpoint_sandbox.h"
#include "transport/endpoint/endpoint_state.h"
#include "transport/endpoint/endpoint_work.h"

/* --- ends ----------------------------------------------------------------- */

void endpoint_die(struct endpoint *e, enum control_fault fault,
		  const char *text)
{
	const struct control_head head = {
		.word = CONTROL_ERROR,
		.a = (int32_t)fault,
	};

	/* without a parent it was started by hand */
	if (control_send(CONTROL_FD, &head, text,
			 strnlen(text, CONTROL_TEXT_MAX), NULL, 0, NULL) < 0)
		(void)dprintf(STDERR_FILENO, ENDPOINT_WORD ": %s\n", text);
	(void)e;
	_exit(1);
}

char *endpoint_words(struct endpoint *e, long rc)
{
	char *text = NULL;
	int len = 0;

	if (libssh2_session_last_error(e->raw, &text, &len, 0) == rc && len)
		return xasprintf("%s (%ld)", text, rc);
	return xasprintf("libssh2 error %ld", rc);
}

static bool is_about_algorithms(const struct endpoint *e, long rc)
{
	if (e->wire.farewell && strstr(e->wire.farewell, "no matching"))
		return true;
	return rc == LIBSSH2_ERROR_KEX_FAILURE ||
	       rc == LIBSSH2_ERROR_METHOD_NONE;
}

void endpoint_failed(struct endpoint *e, long rc)
{
	enum control_fault fault = is_about_algorithms(e, rc)
					   ? CONTROL_FAULT_CRYPTO
					   : CONTROL_FAULT_NETWORK;
	struct err why = { 0 };

	if (ssh_wire_dead(&e->wire) || e->wire.farewell)
		ssh_wire_why(&e->wire, &why);
	else
		why.message = endpoint_words(e, rc);
	endpoint_die(e, fault, why.message);
}

void endpoint_leave(struct endpoint *e)
{
	if (e->raw && !ssh_wire_dead(&e->wire))
		(void)endpoint_did(e,
				   libssh2_session_disconnect(e->raw, "done"));
	_exit(0);
}

/* --- messages ------------------------------------------------------------- */

static void await_control(short events)
{
	struct pollfd p = { .fd = CONTROL_FD, .events = events };

	(void)poll(&p, 1, -1);
}

static void say(struct endpoint *e, const struct control_head *head,
		const void *text, size_t len)
{
	int rc;

	if (!control_step(&e->phase, CONTROL_ENDPOINT,
			  (enum control_word)head->word))
		endpoint_die(e, CONTROL_FAULT_INTERNAL,
			     control_word_name((int)head->word));
	while ((rc = control_send(CONTROL_FD, head, text, len, NULL, 0,
				  NULL)) == 1)
		await_control(POLLOUT);
	if (rc < 0)
		endpoint_leave(e);
}

void endpoint_say(struct endpoint *e, enum control_word word, const void *text,
		  size_t len)
{
	const struct control_head head = { .word = word };

	say(e, &head, text, len);
}

void endpoint_say_of(struct endpoint *e, enum control_word word, uint32_t id,
		     int32_t a, int32_t b, const char *text)
{
	const struct control_head head = { word, id, a, b };

	say(e, &head, text, text ? strnlen(text, CONTROL_TEXT_MAX) : 0);
}

bool endpoint_hear(struct endpoint *e)
{
	struct err err = { 0 };
	int rc = control_receive(CONTROL_FD, &e->in, true, &err);

	if (rc == 1)
		return false;
	if (rc < 0 && err.kind == ERR_CLOSED)
		endpoint_leave(e);
	if (rc < 0)
		endpoint_die(e, CONTROL_FAULT_INTERNAL, err.message);
	if (!control_step(&e->phase, CONTROL_PARENT,
			  (enum control_word)e->in.head.word))
		endpoint_die(e, CONTROL_FAULT_INTERNAL,
			     control_word_name((int)e->in.head.word));
	return true;
}

/* --- waiting in the login ------------------------------------------------- */

/* Waits for either; what the server sent is read ahead. */
static void await_either(struct endpoint *e, bool server)
{
	struct pollfd p[2] = {
		{ .fd = CONTROL_FD, .events = POLLIN },
		{ .fd = e->wire.fd, .events = POLLIN },
	};

	if (ssh_wire_pending(&e->wire))
		p[1].events |= POLLOUT;
	if (!e->raw || buf_len(&e->wire.in) >= SSH_WIRE_IN_MAX)
		p[1].fd = -1;
	if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
		endpoint_die(e, CONTROL_FAULT_INTERNAL, strerror(errno));
	/* in this phase the parent has nothing to say but that it is gone */
	if (server && p[0].revents)
		(void)endpoint_hear(e);
	if (p[1].revents) {
		ssh_wire_fill(&e->wire);
		ssh_wire_flush(&e->wire);
	}
}

void endpoint_await_server(struct endpoint *e)
{
	await_either(e, true);
}

void endpoint_await_parent(struct endpoint *e)
{
	while (!endpoint_hear(e)) {
		await_either(e, false);
		if (e->raw && ssh_wire_dead(&e->wire))
			endpoint_failed(e, 0);
	}
}

long endpoint_did(struct endpoint *e, long rc)
{
	ssh_wire_flush(&e->wire);
	return rc;
}

/* --- set-up --------------------------------------------------------------- */

static void take_config(struct endpoint *e)
{
	const char *strings[CONTROL_CONFIG_STRINGS];

	if (control_strings(e->in.text, e->in.len, strings,
			    CONTROL_CONFIG_STRINGS) < 0)
		endpoint_die(e, CONTROL_FAULT_INTERNAL, "CONFIG");
	for (size_t i = 0; i < CONTROL_CONFIG_STRINGS; i++)
		e->config[i] = xstrdup(strings[i]);
}

static void map_counters(struct endpoint *e)
{
	void *at = mmap(NULL, CONTROL_COUNTERS_BYTES, PROT_READ | PROT_WRITE,
			MAP_SHARED, CONTROL_COUNTERS_FD, 0);

	if (at == MAP_FAILED)
		endpoint_die(e, CONTROL_FAULT_INTERNAL, "no counters");
	close_fd(CONTROL_COUNTERS_FD);
	e->counters = at;
}

/* All that the libraries read from files and ask the kernel, once and now. */
static void prepare_libraries(struct endpoint *e)
{
	unsigned char byte;

	if (OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG |
					OPENSSL_INIT_ADD_ALL_CIPHERS |
					OPENSSL_INIT_ADD_ALL_DIGESTS |
					OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
				NULL) != 1 ||
	    RAND_bytes(&byte, 1) != 1 || libssh2_init(0) != 0)
		endpoint_die(e, CONTROL_FAULT_INTERNAL,
			     "the libraries do not start");
	cipher_hook_start();
}

static void hello(struct endpoint *e)
{
	struct err err = { 0 };
	int confined = endpoint_sandbox_enter(&err);

	if (confined < 0) {
		AUTO_FREE char *text = err_text(&err);

		endpoint_die(e, CONTROL_FAULT_INTERNAL, text);
	}
	endpoint_say_of(e, CONTROL_HELLO, 0, LIBSSH2_VERSION_NUM, confined,
			libssh2_version(0));
}

bool endpoint_wanted(int argc, char *const *argv)
{
	return argc == 2 && !strcmp(argv[1], ENDPOINT_WORD);
}

void endpoint_main(void)
{
	struct endpoint *e = XNEW(struct endpoint);
	struct err err = { 0 };

	(void)signal(SIGPIPE, SIG_IGN);
	e->wire.fd = CONTROL_PEER_FD;
	if (endpoint_sandbox_close_fds(&err) < 0)
		endpoint_die(e, CONTROL_FAULT_INTERNAL, err.message);
	endpoint_await_parent(e);
	map_counters(e);
	ssh_wire_init(&e->wire, CONTROL_PEER_FD);
	if (e->in.head.word == CONTROL_CONFIG) {
		take_config(e);
		prepare_libraries(e);
		ssh_wire_limit(CONTROL_PEER_FD,
			       ssh_wire_round_trip_us(CONTROL_PEER_FD));
		hello(e);
		endpoint_login(e);
	} else {
		e->hold_ms = e->in.head.a;
		hello(e);
	}
	endpoint_work(e);
}
