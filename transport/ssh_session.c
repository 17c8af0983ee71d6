/* SPDX-License-Identifier: MIT */
/* ssh_session: one SSH connection, as this side of its endpoint sees it. */
#include "transport/ssh_session.h"

#include <stdlib.h>
#include <string.h>

#include "transport/base/xalloc.h"
#include "transport/ssh_request.h"

enum {
	VERSION_WITH_RSA_SHA2 = 0x010b00,
	LATE_MS =
		4000, /* asked for so long, a timeout is the network's fault */
	PROMPTS_MAX = 32, /* of one interview */
};

struct ssh_session {
	struct endpoint_child *child;
	char *user;
	struct endpoint_subject login;
	struct buf hostkey;
	char *asked, *has; /* host key algorithms: proposed; of the host */
	char *algorithms;
};

/* --- the words of a login ------------------------------------------------- */

#define ANY_ANSWER                                                        \
	(CONTROL_BIT(SIGN) | CONTROL_BIT(PROMPT) | CONTROL_BIT(REFUSED) | \
	 CONTROL_BIT(READY))

static int ask(struct ssh_session *s, enum control_word word, const void *text,
	       size_t len, uint32_t bits, struct mono deadline, struct err *err)
{
	const struct endpoint_words words = {
		.word = word,
		.text = text,
		.len = len,
	};

	return endpoint_child_ask(s->child, &s->login, &words, bits, deadline,
				  err);
}

static bool heard(const struct ssh_session *s, uint32_t bit)
{
	return s->login.heard & bit;
}

static struct ssh_bytes login_text(struct ssh_session *s)
{
	return (struct ssh_bytes){
		(const unsigned char *)buf_data(&s->login.text),
		buf_len(&s->login.text),
	};
}

/* It was heard whether the host lets us in. */
static enum ssh_login_step step(struct ssh_session *s)
{
	if (!heard(s, CONTROL_BIT(READY)))
		return SSH_LOGIN_REFUSED;
	free(s->algorithms);
	s->algorithms = xstrdup(buf_data(&s->login.text));
	return SSH_LOGIN_IN;
}

/* The endpoint does @what a good one does not: it is killed. -1. */
static int violation(struct ssh_session *s, const char *what, struct err *err)
{
	struct err why = { 0 };

	err_set(&why, ERR_NETWORK, "%s %s", ssh_session_host(s), what);
	endpoint_child_kill(s->child, &why);
	err_reset(&why);
	return endpoint_child_check(s->child, err);
}

/* It asks for more than a login needs. */
static enum ssh_login_step greedy(struct ssh_session *s, const char *what,
				  struct err *err)
{
	AUTO_FREE char *text = xasprintf("asked for %s", what);

	(void)violation(s, text, err);
	return SSH_LOGIN_FAILED;
}

/* --- keys ----------------------------------------------------------------- */

/* Appends nothing when there is a reason not to sign. */
static void sign_request(struct ssh_session *s, struct ssh_bytes blob,
			 ssh_session_sign *sign, void *arg,
			 struct buf *signature)
{
	AUTO_FREE char *algorithm =
		ssh_request_algorithm(login_text(s), s->user, blob);

	if (!sign || !algorithm ||
	    sign(arg, algorithm, login_text(s), signature) < 0)
		buf_wipe(signature);
}

enum ssh_login_step ssh_session_try_key(struct ssh_session *s,
					struct ssh_bytes blob,
					ssh_session_sign *sign, void *arg,
					struct mono deadline, struct err *err)
{
	struct buf signature = { .base = NULL };
	int rc;

	if (ask(s, CONTROL_KEY, blob.data, blob.len, ANY_ANSWER, deadline,
		err) < 0)
		return SSH_LOGIN_FAILED;
	if (!heard(s, CONTROL_BIT(SIGN)))
		return step(s);
	sign_request(s, blob, sign, arg, &signature);
	rc = ask(s, CONTROL_SIGNATURE, buf_data(&signature),
		 buf_len(&signature), ANY_ANSWER, deadline, err);
	buf_free(&signature);
	if (rc < 0)
		return SSH_LOGIN_FAILED;
	if (heard(s, CONTROL_BIT(SIGN) | CONTROL_BIT(PROMPT)))
		return greedy(s, "a second signature", err);
	/* that it wanted a signature is the host's answer */
	return sign ? step(s) : SSH_LOGIN_IN;
}

/* --- what a person types -------------------------------------------------- */

enum ssh_login_step ssh_session_try_password(struct ssh_session *s,
					     const char *password,
					     struct mono deadline,
					     struct err *err)
{
	if (ask(s, CONTROL_PASSWORD, password, strlen(password), ANY_ANSWER,
		deadline, err) < 0)
		return SSH_LOGIN_FAILED;
	if (heard(s, CONTROL_BIT(SIGN) | CONTROL_BIT(PROMPT)))
		return greedy(s, "more than the password", err);
	return step(s);
}

static int answer_prompt(struct ssh_session *s, ssh_session_answer *answer,
			 void *arg, struct mono deadline, struct err *err)
{
	AUTO_FREE char *prompt = xstrdup(buf_data(&s->login.text));
	char *text = answer(arg, prompt);
	size_t len = text ? strlen(text) : 0;
	int rc = ask(s, CONTROL_ANSWER, text, len, ANY_ANSWER, deadline, err);

	if (text)
		explicit_bzero(text, len);
	free(text);
	return rc;
}

enum ssh_login_step ssh_session_try_interview(struct ssh_session *s,
					      ssh_session_answer *answer,
					      void *arg, struct mono deadline,
					      struct err *err)
{
	if (ask(s, CONTROL_INTERVIEW, NULL, 0, ANY_ANSWER, deadline, err) < 0)
		return SSH_LOGIN_FAILED;
	for (int i = 0; heard(s, CONTROL_BIT(PROMPT)); i++) {
		if (i == PROMPTS_MAX)
			return greedy(s, "too many answers", err);
		if (answer_prompt(s, answer, arg, deadline, err) < 0)
			return SSH_LOGIN_FAILED;
	}
	if (heard(s, CONTROL_BIT(SIGN)))
		return greedy(s, "a signature", err);
	return step(s);
}

/* --- up to the host's key, and past it ------------------------------------ */

static int say_config(struct ssh_session *s, const struct ssh_proposal *p,
		      struct mono deadline, struct err *err)
{
	const char *const strings[CONTROL_CONFIG_STRINGS] = {
		[CONTROL_CONFIG_USER] = p->user,
		[CONTROL_CONFIG_HOSTKEYS] = p->hostkeys,
		[CONTROL_CONFIG_CIPHERS] = p->ciphers,
		[CONTROL_CONFIG_MACS] = p->macs,
		[CONTROL_CONFIG_KEX] = p->kex,
	};
	AUTO_BUF struct buf config = { .base = NULL };

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		buf_append(&config, strings[i], strlen(strings[i]) + 1);
	if (buf_len(&config) > CONTROL_TEXT_MAX)
		return err_set(err, ERR_USAGE,
			       "the settings for %s are too long",
			       ssh_session_host(s));
	return ask(s, CONTROL_CONFIG, buf_data(&config), buf_len(&config),
		   CONTROL_BIT(HELLO), deadline, err);
}

static int take_hostkey(struct ssh_session *s, struct err *err)
{
	const char *strings[CONTROL_HOSTKEY_STRINGS];
	const char *text = buf_data(&s->login.text);
	size_t len = buf_len(&s->login.text);
	ssize_t used =
		control_strings(text, len, strings, CONTROL_HOSTKEY_STRINGS);

	if (used < 0)
		return violation(s, "shows no host key", err);
	s->asked = xstrdup(strings[CONTROL_HOSTKEY_ASKED]);
	if (*strings[CONTROL_HOSTKEY_HAS])
		s->has = xstrdup(strings[CONTROL_HOSTKEY_HAS]);
	buf_append(&s->hostkey, text + used, len - (size_t)used);
	return 0;
}

static int exchange(struct ssh_session *s, const struct ssh_proposal *p,
		    struct mono deadline, struct err *err)
{
	if (say_config(s, p, deadline, err) < 0 ||
	    endpoint_child_await(s->child, &s->login, CONTROL_BIT(HOSTKEY),
				 deadline, err) < 0)
		return -1;
	return take_hostkey(s, err);
}

struct ssh_session *ssh_session_new(const char *host, int fd,
				    const struct ssh_proposal *proposal,
				    struct mono deadline, struct err *err)
{
	struct endpoint_child *child = endpoint_child_start(host, fd, err);
	struct ssh_session *s;

	if (!child)
		return NULL;
	s = XNEW(struct ssh_session);
	s->child = child;
	s->user = xstrdup(proposal->user);
	s->algorithms = xstrdup("");
	endpoint_child_begin_login(child, &s->login);
	if (exchange(s, proposal, deadline, err) == 0)
		return s;
	ssh_session_close(s);
	return NULL;
}

enum ssh_login_step ssh_session_trust(struct ssh_session *s, char **methods,
				      struct mono deadline, struct err *err)
{
	if (ask(s, CONTROL_HOSTKEY_OK, NULL, 0,
		CONTROL_BIT(METHODS) | CONTROL_BIT(READY), deadline, err) < 0)
		return SSH_LOGIN_FAILED;
	if (heard(s, CONTROL_BIT(METHODS)))
		*methods = xstrdup(buf_data(&s->login.text));
	return step(s);
}

void ssh_session_close(struct ssh_session *s)
{
	if (!s)
		return;
	endpoint_child_forget(s->child, &s->login);
	endpoint_child_close(s->child);
	buf_free(&s->hostkey);
	free(s->asked);
	free(s->has);
	free(s->algorithms);
	free(s->user);
	free(s);
}

/* --- what is known of it -------------------------------------------------- */

const char *ssh_session_host(const struct ssh_session *s)
{
	return endpoint_child_host(s->child);
}

const char *ssh_session_user(const struct ssh_session *s)
{
	return s->user;
}

struct endpoint_child *ssh_session_child(struct ssh_session *s)
{
	return s->child;
}

struct ssh_bytes ssh_session_hostkey(struct ssh_session *s)
{
	return (struct ssh_bytes){ (const unsigned char *)buf_data(&s->hostkey),
				   buf_len(&s->hostkey) };
}

const char *ssh_session_hostkeys_asked(const struct ssh_session *s)
{
	return s->asked;
}

const char *ssh_session_hostkeys_has(const struct ssh_session *s)
{
	return s->has;
}

bool ssh_session_knows_rsa_sha2(const struct ssh_session *s)
{
	return endpoint_child_version(s->child) >= VERSION_WITH_RSA_SHA2;
}

const char *ssh_session_algorithms(struct ssh_session *s)
{
	return s->algorithms;
}

/* --- signs of life -------------------------------------------------------- */

static double ms_since(const _Atomic int64_t *moment_us)
{
	struct mono at = { atomic_load(moment_us) };
	double ms = at.us ? mono_diff_ms(mono_now(), at) : 0;

	return ms > 0 ? ms : 0;
}

/*
 * Since the oldest question that was not answered; 0: there is none. An
 * endpoint that does not look around any more asks none, and is as silent.
 */
static double silent_ms(const struct ssh_session *s)
{
	const struct control_counters *c = endpoint_child_counters(s->child);
	double asked = ms_since(&c->asked_us), turn = ms_since(&c->turn_us);

	if (turn < CONTROL_STOPPED_MS)
		turn = 0;
	return asked > turn ? asked : turn;
}

int ssh_session_alive(struct ssh_session *s, int silence_ms, struct err *err)
{
	double ms;

	if (endpoint_child_check(s->child, err) < 0)
		return -1;
	ms = silent_ms(s);
	if (ms == 0 || ms < silence_ms)
		return 0;
	err_set(err, ERR_NETWORK, "no sign of life for %.1f s", ms / 1000);
	err_wrap(err, ERR_NETWORK, "%s does not answer", ssh_session_host(s));
	return err_at_host(err, ssh_session_host(s));
}

int ssh_session_ping(struct ssh_session *s, struct mono deadline,
		     struct err *err)
{
	const struct endpoint_words words = { .word = CONTROL_PING };
	struct endpoint_subject ping;
	int rc;

	endpoint_child_begin(s->child, &ping);
	rc = endpoint_child_ask(s->child, &ping, &words, CONTROL_BIT(PONG),
				deadline, err);
	endpoint_child_forget(s->child, &ping);
	if (rc < 0 && err && err->kind == ERR_TIMEOUT &&
	    silent_ms(s) >= LATE_MS) {
		(void)ssh_session_alive(s, LATE_MS, err);
		return -1;
	}
	return rc;
}
