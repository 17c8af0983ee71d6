/* SPDX-License-Identifier: MIT */
/* ssh_hostkey: verdicts on a host's key, and new keys. */
#include "transport/ssh_hostkey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"
#include "transport/ssh_file.h"

#define ED_A \
	"AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define RSA_A "AAAAB3NzaC1yc2EAAAADAQABAAAAAQA="
#define EC_A "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAAABBA=="
#define ED_B \
	"AAAAC3NzaC1lZDI1NTE5AAAAIAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define ED_LINE "h ssh-ed25519 " ED_A "\n"

static char dir[] = "/tmp/vmferry-hostkey-XXXXXX";
static char *file;

static int make_dir(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	file = xasprintf("%s/known_hosts", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	(void)unlink(file);
	free(file);
	return rmdir(dir);
}

TEST_GROUP_FIXTURE(make_dir, remove_dir);

static void set_file(const char *text)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static char *get_file(void)
{
	struct buf b = { .base = NULL };

	assert_int_equal(ssh_file_read(file, &b), 0);
	return buf_steal(&b);
}

/* --- one login ------------------------------------------------------------ */

#define ALL                                                    \
	"ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384," \
	"ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256"

/* What a person answers, and what was asked and said. */
struct person {
	const char *answers[8]; /* NULL: nobody answers */
	int asked;
	char *question;
	char *note;
};

static char *answer(void *arg, const char *prompt, enum host_ask what)
{
	struct person *p = arg;
	const char *text = p->answers[p->asked++];

	assert_int_equal(what, HOST_ASK_OPEN);
	free(p->question);
	p->question = xstrdup(prompt);
	return text ? xstrdup(text) : NULL;
}

static void note(void *arg, const char *what, const char *text)
{
	struct person *p = arg;

	assert_string_equal(what, HOST_NOTE_KEY);
	free(p->note);
	p->note = xstrdup(text);
}

/* A host h whose key is ed25519 A. */
struct login {
	struct ssh_config config;
	struct ssh_hostkey_offer offer;
	struct host_options opt;
	struct person person;
	bool beyond;
};

static void login_init(struct login *l)
{
	static char name[] = "h", port[] = "22";

	*l = (struct login){
		.config = { .hostname = name, .port = port },
		.offer = { .host = "hostb",
			   .address = "192.0.2.7",
			   .algorithms = ALL },
		.opt = { .ask = answer, .notify = note },
	};
	l->opt.arg = &l->person;
}

static void login_fini(struct login *l)
{
	free(l->person.question);
	free(l->person.note);
}

/* With @text on file. */
static int verify(struct login *l, const char *text, struct err *err)
{
	AUTO_BUF struct buf blob = { .base = NULL };
	struct known_hosts k;
	int rc;

	if (text)
		set_file(text);
	if (file)
		strv_push(&l->config.user_known_hosts, file);
	assert_int_equal(ssh_hostkey_load(&k, &l->config, NULL), 0);
	assert_int_equal(ssh_base64_decode(&blob, ED_A, strlen(ED_A)), 0);
	l->offer.key =
		(struct ssh_bytes){ (const unsigned char *)buf_data(&blob),
				    buf_len(&blob) };
	rc = ssh_hostkey_verify(&k, &l->config, &l->offer, &l->opt, &l->beyond,
				err);
	known_hosts_free(&k);
	strv_free(&l->config.user_known_hosts);
	return rc;
}

static void refuse(struct login *l, const char *text, const char *words)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_FREE char *said = NULL;

	assert_int_equal(verify(l, text, &err), -1);
	assert_int_equal(err.kind, ERR_HOSTKEY);
	said = err_text(&err);
	if (!strstr(said, words))
		fail_msg("\"%s\" without \"%s\"", said, words);
	assert_non_null(err_hint_of(&err));
	if (l->beyond)
		assert_non_null(strstr(err_hint_of(&err), "--ssh openssh"));
}

/* --- verdicts ------------------------------------------------------------- */

TEST(a_known_key_passes_and_nobody_is_asked)
{
	struct login l;

	login_init(&l);
	assert_int_equal(verify(&l, ED_LINE, NULL), 0);
	l.config.strict = SSH_STRICT_YES;
	assert_int_equal(verify(&l, ED_LINE, NULL), 0);
	assert_int_equal(l.person.asked, 0);
	assert_null(l.person.note);
	login_fini(&l);
}

TEST(an_unknown_key_is_shown_and_asked_for)
{
	AUTO_FREE char *after = NULL;
	struct login l;

	login_init(&l);
	l.person.answers[0] = "yes";
	assert_int_equal(verify(&l, "", NULL), 0);
	assert_int_equal(l.person.asked, 1);
	assert_non_null(strstr(l.person.question, "'h (192.0.2.7)'"));
	assert_non_null(strstr(l.person.question, "ssh-ed25519 key"));
	assert_non_null(strstr(l.person.question, "SHA256:"));
	assert_non_null(strstr(l.person.note, "added"));
	after = get_file();
	assert_string_equal(after, ED_LINE);
	login_fini(&l);
}

/* Whether @answers, one after another, take the key. */
static bool agrees(const char *const *answers, int asked)
{
	AUTO_FREE char *after = NULL;
	AUTO_ERR struct err err = { 0 };
	struct login l;
	int rc;

	login_init(&l);
	for (int i = 0; answers[i]; i++)
		l.person.answers[i] = answers[i];
	rc = verify(&l, "", &err);
	assert_int_equal(l.person.asked, asked);
	after = get_file();
	assert_string_equal(after, rc ? "" : ED_LINE);
	if (rc)
		assert_int_equal(err.kind, ERR_HOSTKEY);
	login_fini(&l);
	return rc == 0;
}

#define ANSWERS(...) ((const char *const[]){ __VA_ARGS__, NULL })

TEST(yes_and_the_fingerprint_agree_and_nothing_else_does)
{
	AUTO_BUF struct buf blob = { .base = NULL };
	AUTO_FREE char *print = NULL;

	assert_int_equal(ssh_base64_decode(&blob, ED_A, strlen(ED_A)), 0);
	print = ssh_fingerprint((struct ssh_bytes){
		(const unsigned char *)buf_data(&blob), buf_len(&blob) });
	assert_true(agrees(ANSWERS("yes"), 1));
	assert_true(agrees(ANSWERS(" YES \r"), 1));
	assert_true(agrees(ANSWERS(print), 1));
	assert_true(agrees(ANSWERS("what?", "yes"), 2));
	assert_false(agrees(ANSWERS("no"), 1));
	assert_false(agrees(ANSWERS(""), 1));
	assert_false(agrees(ANSWERS("y", "SHA256:x", "No"), 3));
	assert_false(agrees(ANSWERS(NULL), 1));
}

static char *babble(void *arg, const char *prompt, enum host_ask what)
{
	struct person *p = arg;

	(void)prompt;
	(void)what;
	p->asked++;
	return xstrdup("maybe");
}

TEST(a_program_that_never_answers_the_question_is_given_up)
{
	struct login l;

	login_init(&l);
	l.opt.ask = babble;
	refuse(&l, "", "is not known");
	assert_in_range(l.person.asked, 2, 100);
	login_fini(&l);
}

TEST(nobody_is_asked_where_that_is_not_wanted)
{
	struct login l;

	login_init(&l);
	l.config.strict = SSH_STRICT_YES;
	refuse(&l, "", "is not known");
	l.config.strict = SSH_STRICT_ASK;
	l.config.batch = true;
	refuse(&l, "", "is not known");
	assert_int_equal(l.person.asked, 0);
	login_fini(&l);
}

TEST(an_unknown_key_is_added_where_that_is_wanted)
{
	static const enum ssh_strict wanted[] = { SSH_STRICT_ACCEPT_NEW,
						  SSH_STRICT_NO };
	struct login l;

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		AUTO_FREE char *after = NULL;

		login_init(&l);
		l.config.strict = wanted[i];
		assert_int_equal(verify(&l, "", NULL), 0);
		assert_int_equal(l.person.asked, 0);
		after = get_file();
		assert_string_equal(after, ED_LINE);
		login_fini(&l);
	}
}

TEST(a_changed_or_revoked_key_is_refused_whatever_is_wanted)
{
	struct login l;

	login_init(&l);
	l.config.strict = SSH_STRICT_NO;
	refuse(&l, "h ssh-ed25519 " ED_B "\n", "has changed");
	refuse(&l, "@revoked h ssh-ed25519 " ED_A "\n", "is revoked");
	refuse(&l, "h ecdsa-sha2-nistp256 " EC_A "\n", "has changed");
	assert_false(l.beyond);
	assert_int_equal(l.person.asked, 0);
	login_fini(&l);
}

/* --- what takes ssh(1) ---------------------------------------------------- */

TEST(a_type_on_file_that_could_not_be_asked_for_takes_ssh)
{
	struct login l;

	login_init(&l);
	l.offer.algorithms = "ssh-ed25519,ecdsa-sha2-nistp256";
	refuse(&l, "h ssh-rsa " RSA_A "\n", "ssh-rsa");
	assert_true(l.beyond);
	refuse(&l, "h ssh-new AAAAB3NzaC1uZXc=\n", "ssh-new");
	assert_true(l.beyond);
	refuse(&l, "h ecdsa-sha2-nistp256 " EC_A "\n", "has changed");
	assert_false(l.beyond);
	login_fini(&l);
}

#define AUTHORITY "@cert-authority * ssh-ed25519 " ED_B "\n"
#define CERT "ssh-ed25519-cert-v01@openssh.com,ssh-ed25519"
#define OTHER_CERT "rsa-sha2-512-cert-v01@openssh.com,ssh-ed25519"

TEST(a_certificate_takes_ssh_where_it_decides)
{
	static const struct {
		const char *has, *text;
		bool beyond;
	} cases[] = {
		{ NULL, AUTHORITY, true },
		{ NULL, ED_LINE "@revoked * ssh-ed25519 " ED_B "\n", true },
		{ CERT, AUTHORITY, true },
		{ CERT, ED_LINE "@revoked * ssh-ed25519 " ED_B "\n", true },
		{ OTHER_CERT, ED_LINE, true },
		/* it comes down to the key that the host showed */
		{ CERT, ED_LINE, false },
		{ CERT, ED_LINE AUTHORITY, false },
		/* there is none */
		{ "ssh-ed25519", ED_LINE AUTHORITY, false },
		{ "ssh-ed25519", ED_LINE "@revoked * ssh-ed25519 " ED_B "\n",
		  false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct login l;

		login_init(&l);
		l.offer.has = cases[i].has;
		if (cases[i].beyond)
			refuse(&l, cases[i].text, "certificates");
		else
			assert_int_equal(verify(&l, cases[i].text, NULL), 0);
		assert_int_equal(l.beyond, cases[i].beyond);
		login_fini(&l);
	}
}

TEST(a_certificate_for_rsa_is_one_for_either_signature)
{
	AUTO_BUF struct buf blob = { .base = NULL };
	struct known_hosts k;
	struct login l;

	login_init(&l);
	l.offer.has = "rsa-sha2-512-cert-v01@openssh.com,rsa-sha2-256-cert-v01"
		      "@openssh.com,rsa-sha2-512";
	known_hosts_init(&k, "h", "22");
	known_hosts_add(&k, "f", "h ssh-rsa " RSA_A,
			strlen("h ssh-rsa " RSA_A));
	assert_int_equal(ssh_base64_decode(&blob, RSA_A, strlen(RSA_A)), 0);
	l.offer.key =
		(struct ssh_bytes){ (const unsigned char *)buf_data(&blob),
				    buf_len(&blob) };
	assert_int_equal(ssh_hostkey_judge(&k, &l.config, &l.offer, &l.beyond,
					   NULL),
			 SSH_HOSTKEY_KNOWN);
	known_hosts_free(&k);
	login_fini(&l);
}

/* --- files ---------------------------------------------------------------- */

TEST(a_new_key_is_hashed_where_that_is_configured)
{
	AUTO_FREE char *after = NULL;
	struct login l;

	login_init(&l);
	l.config.strict = SSH_STRICT_ACCEPT_NEW;
	l.config.hash_known_hosts = true;
	assert_int_equal(verify(&l, "", NULL), 0);
	after = get_file();
	assert_int_equal(strncmp(after, "|1|", 3), 0);
	assert_int_equal(verify(&l, NULL, NULL), 0);
	login_fini(&l);
}

TEST(a_key_of_a_type_that_was_not_asked_for_is_refused)
{
	struct login l;

	login_init(&l);
	l.offer.algorithms = "ecdsa-sha2-nistp256,rsa-sha2-512";
	refuse(&l, "h ssh-ed25519 " ED_A "\n", "was not asked for");
	assert_int_equal(l.person.asked, 0);
	assert_false(l.beyond);
	l.config.strict = SSH_STRICT_ACCEPT_NEW;
	refuse(&l, "", "was not asked for");
	login_fini(&l);
}

TEST(a_key_is_never_added_to_the_systems_file)
{
	char *saved = file;
	AUTO_FREE char *after = NULL;
	struct login l;

	set_file("# the system's\n");
	login_init(&l);
	l.config.strict = SSH_STRICT_ACCEPT_NEW;
	strv_push(&l.config.global_known_hosts, file);
	file = NULL;
	refuse(&l, NULL, "is not known");
	file = saved;
	after = get_file();
	assert_string_equal(after, "# the system's\n");
	strv_free(&l.config.global_known_hosts);
	login_fini(&l);
}

TEST(a_file_that_is_too_large_is_an_error_and_not_empty)
{
	struct ssh_config c = { .hostname = (char[]){ "h" },
				.port = (char[]){ "22" } };
	AUTO_ERR struct err err = { 0 };
	struct known_hosts k;

	set_file("");
	assert_int_equal(truncate(file, 64 << 20), 0);
	strv_push(&c.user_known_hosts, file);
	assert_int_equal(ssh_hostkey_load(&k, &c, &err), -1);
	assert_int_equal(err.kind, ERR_SYSTEM);
	assert_non_null(strstr(err_hint_of(&err), "--ssh openssh"));
	known_hosts_free(&k);
	strv_free(&c.user_known_hosts);
}

/* --- the types that are asked for ----------------------------------------- */

static char *algorithms(const char *text)
{
	struct known_hosts k;
	char *names;

	known_hosts_init(&k, "h", "22");
	known_hosts_add(&k, "file", text, strlen(text));
	names = ssh_hostkey_algorithms(&k);
	known_hosts_free(&k);
	return names;
}

TEST(the_types_on_file_come_first)
{
	AUTO_FREE char *none = algorithms("");
	AUTO_FREE char *ec = algorithms("h ecdsa-sha2-nistp256 " EC_A "\n");
	AUTO_FREE char *rsa = algorithms("h ssh-rsa " RSA_A "\n");

	assert_string_equal(none, "ssh-ed25519,ecdsa-sha2-nistp256,"
				  "ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,"
				  "rsa-sha2-512,rsa-sha2-256");
	assert_string_equal(ec, "ecdsa-sha2-nistp256,ssh-ed25519,"
				"ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,"
				"rsa-sha2-512,rsa-sha2-256");
	/* nothing that signs by SHA-1 */
	assert_string_equal(rsa, "rsa-sha2-512,rsa-sha2-256,ssh-ed25519,"
				 "ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,"
				 "ecdsa-sha2-nistp521");
}

TEST(the_order_stays_where_the_best_is_on_file)
{
	AUTO_FREE char *names =
		algorithms("h ssh-rsa " RSA_A "\nh ssh-ed25519 " ED_B "\n");

	assert_string_equal(names, "ssh-ed25519,ecdsa-sha2-nistp256,"
				   "ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,"
				   "rsa-sha2-512,rsa-sha2-256");
}
