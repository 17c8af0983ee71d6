/* SPDX-License-Identifier: MIT */
/* host_open: which way a host is reached. */
#include "transport/host_open.h"

#include <libssh2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "tests/unit/sshd_fixture.h"
#include "transport/base/xalloc.h"

/* How to open, and what must come of it. */
struct way {
	struct sshd *sshd;
	enum host_backend_choice choice;
	const char *backend; /* NULL: it fails */
	enum err_kind kind;
	const char *note; /* NULL: nothing */
	char *last_note;
};

static void on_notify(void *arg, const char *what, const char *text)
{
	struct way *w = arg;

	assert_string_equal(what, HOST_NOTE_SSH);
	free(w->last_note);
	w->last_note = xstrdup(text);
}

static void go(void *arg)
{
	static const char *const argv[] = { "echo", "hi", NULL };
	const struct host_command cmd = { .argv = argv, .deadline = SSHD_SOON };
	struct way *w = arg;
	struct host_options opt = sshd_options(w->sshd);
	struct host_result r = { 0 };
	struct err err = { 0 };
	struct host *h;

	opt.backend = w->choice;
	opt.notify = on_notify;
	opt.arg = w;
	h = host_open(w->sshd->target, &opt, SSHD_SOON, &err);
	if (!w->backend) {
		assert_null(h);
		assert_int_equal(err.kind, w->kind);
		assert_string_equal(err_host_of(&err), w->sshd->target);
		err_reset(&err);
		return;
	}
	if (!h)
		fail_with_err(&err);
	assert_string_equal(host_backend(h), w->backend);
	assert_string_equal(host_name(h), w->sshd->target);
	assert_int_equal(host_run(h, &cmd, &r, &err), 0);
	assert_string_equal(buf_data(&r.out), "hi\n");
	host_result_free(&r);
	host_close(h);
}

/* @prepare changes the server's files before it is used. */
static void expect(const char *server, void (*prepare)(struct sshd *d),
		   struct way w)
{
	w.sshd = sshd_start(server);
	if (prepare)
		prepare(w.sshd);
	in_task(go, &w);
	sshd_stop(w.sshd);
	if (!w.note)
		assert_null(w.last_note);
	else if (!w.last_note || !strstr(w.last_note, w.note))
		fail_msg("note \"%s\", not \"%s\"", w.last_note, w.note);
	free(w.last_note);
}

/* No libssh2 up to 1.11.1 has it. */
#define CHACHA_ONLY "Ciphers chacha20-poly1305@openssh.com\n"
#define NO_QUESTIONS \
	"PasswordAuthentication no\nKbdInteractiveAuthentication no\n"

TEST(libssh2_is_the_first_choice)
{
	expect("", NULL, (struct way){ .backend = "ssh" });
}

TEST(openssh_is_used_when_asked_for)
{
	expect("", NULL,
	       (struct way){ .choice = HOST_SSH_OPENSSH,
			     .backend = "openssh" });
}

TEST(a_server_for_openssh_only_is_reached_by_it)
{
	expect(CHACHA_ONLY, NULL,
	       (struct way){ .backend = "openssh", .note = "in common" });
}

TEST(no_fallback_where_libssh2_is_asked_for)
{
	expect(CHACHA_ONLY, NULL,
	       (struct way){ .choice = HOST_SSH_LIBSSH2, .kind = ERR_CRYPTO });
}

/* The one key that may log in is an RSA key. */
static void rsa_only(struct sshd *d)
{
	static const char *const rsa[] = { "-t", "rsa", "-N", "", NULL };
	AUTO_FREE char *id = sshd_path(d, "id");
	AUTO_FREE char *pub = sshd_path(d, "id.pub");

	assert_int_equal(unlink(id), 0);
	assert_int_equal(unlink(pub), 0);
	sshd_keygen(d, "id", rsa);
	sshd_write(d, "authorized_keys", "");
	sshd_authorize(d, "id");
}

TEST(an_rsa_key_makes_it_openssh_with_libssh2_1_10)
{
	const struct way older = { .backend = "openssh", .note = "an RSA key" };
	const struct way newer = { .backend = "ssh" };

	expect(NO_QUESTIONS, rsa_only,
	       libssh2_version(0x010b00) ? newer : older);
}

static void stranger(struct sshd *d)
{
	sshd_write(d, "authorized_keys", "");
}

TEST(a_refused_login_is_not_tried_a_second_way)
{
	expect(NO_QUESTIONS, stranger, (struct way){ .kind = ERR_AUTH });
}

static void unknown(struct sshd *d)
{
	sshd_write(d, "known_hosts", "");
}

TEST(an_unknown_host_is_not_tried_a_second_way)
{
	expect(NO_QUESTIONS, unknown, (struct way){ .kind = ERR_HOSTKEY });
}

IN_TASK(local_needs_no_ssh)
{
	const struct host_options opt = { .backend = HOST_SSH_AUTO };
	struct host *h = host_open("local", &opt, SSHD_SOON, NULL);

	assert_non_null(h);
	assert_true(host_is_local(h));
	host_close(h);
}

static void refuse_identity(void *arg)
{
	const struct host_options opt = { .identity = "/no/such/key" };
	struct err err = { 0 };

	(void)arg;
	assert_null(host_open("h", &opt, SSHD_SOON, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.message, "/no/such/key"));
	err_reset(&err);
}

TEST(an_identity_that_is_not_there_is_a_wrong_word)
{
	in_task(refuse_identity, NULL);
}
