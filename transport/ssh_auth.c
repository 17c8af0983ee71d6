/* SPDX-License-Identifier: MIT */
/*
 * ssh_auth: logs in, by what the user has.
 *
 * Each attempt returns AUTH_IN, AUTH_REFUSED (try the next one) or AUTH_FAILED
 * (give up: the connection is lost, or out of time).
 */
#include "transport/ssh_auth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/ssh_agent.h"
#include "transport/ssh_key.h"

enum auth { AUTH_FAILED = -1, AUTH_REFUSED, AUTH_IN };

/* A person may confirm the use of an agent's key; a hung agent may not. */
enum { ASK_TRIES = 3, AGENT_MS = 30000 };

struct auth_state {
	struct ssh_session *session;
	const struct ssh_config *config;
	const struct host_options *opt;
	struct ssh_credential *credential;
	struct mono deadline;
	struct buf tried;  /* "agent key … refused; …" */
	struct strv blobs; /* fingerprints of keys the host has refused */
	char *methods;	   /* what the host takes, comma-separated */
	bool beyond;
	bool beyond_rsa;
};

void ssh_credential_free(struct ssh_credential *c)
{
	buf_free(&c->blob);
	free(c->path);
	buf_wipe(&c->secret);
	*c = (struct ssh_credential){ .kind = SSH_CREDENTIAL_NONE };
}

static void secret_free(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

static void note(struct auth_state *a, const char *what, const char *verdict)
{
	AUTO_FREE char *text = xasprintf("%s: %s", what, verdict);

	if (strstr(buf_data(&a->tried), text))
		return;
	buf_printf(&a->tried, "%s%s", buf_len(&a->tried) ? "; " : "", text);
}

static struct ssh_bytes bytes_of(struct buf *b)
{
	return (struct ssh_bytes){ (const unsigned char *)buf_data(b),
				   buf_len(b) };
}

/* Sorts the result of an attempt; the connection may have gone meanwhile. */
static enum auth auth_result(struct auth_state *a, long rc, struct err *err)
{
	const struct ssh_wire *w = ssh_session_wire(a->session);

	if (rc == 0)
		return AUTH_IN;
	if (!ssh_wire_dead(w) && !w->farewell)
		return AUTH_REFUSED;
	ssh_session_failed(a->session, rc, err);
	if (buf_len(&a->tried))
		err_wrap(err, ERR_AUTH, "%s hung up during the login (%s)",
			 ssh_session_host(a->session), buf_data(&a->tried));
	return AUTH_FAILED;
}

static void remember(struct auth_state *a, enum ssh_credential_kind kind,
		     const char *secret)
{
	a->credential->kind = kind;
	buf_wipe(&a->credential->secret);
	if (secret)
		buf_append(&a->credential->secret, secret, strlen(secret));
}

static char *ask(const struct auth_state *a, const char *prompt)
{
	if (!a->opt || !a->opt->ask)
		return NULL;
	return a->opt->ask(a->opt->arg, prompt);
}

/* --- public keys: the agent signs ---------------------------------------- */

/*
 * libssh2 asks for the signature in a callback. The first time it gets EAGAIN;
 * the task then asks the agent, and the second time the signature is there.
 */
struct signer {
	bool probe; /* only whether the host would take the key */
	bool wanted, failed;
	struct buf data, signature;
};

static int on_sign(LIBSSH2_SESSION *raw, unsigned char **sig, size_t *sig_len,
		   const unsigned char *data, size_t data_len, void **abstract)
{
	struct signer *signer = *abstract;

	(void)raw;
	signer->wanted = true;
	if (signer->probe || signer->failed)
		return -1;
	if (!buf_len(&signer->signature)) {
		buf_consume(&signer->data, buf_len(&signer->data));
		buf_append(&signer->data, data, data_len);
		return LIBSSH2_ERROR_EAGAIN;
	}
	*sig_len = buf_len(&signer->signature);
	*sig = xmalloc(*sig_len);
	memcpy(*sig, buf_data(&signer->signature), *sig_len);
	return 0;
}

static long publickey_step(struct auth_state *a, struct ssh_bytes blob,
			   struct signer *signer)
{
	void *abstract = signer;

	return ssh_session_did(
		a->session,
		libssh2_userauth_publickey(ssh_session_raw(a->session),
					   a->config->user, blob.data, blob.len,
					   on_sign, &abstract));
}

static enum auth publickey(struct auth_state *a, struct ssh_bytes blob,
			   struct ssh_agent *agent, struct signer *signer,
			   struct err *err)
{
	struct mono limit = mono_min(a->deadline, mono_in_ms(AGENT_MS));
	long rc;

	while ((rc = publickey_step(a, blob, signer)) == LIBSSH2_ERROR_EAGAIN) {
		if (!signer->wanted || buf_len(&signer->signature)) {
			if (ssh_session_wait(a->session, a->deadline, err) < 0)
				return AUTH_FAILED;
			continue;
		}
		if (ssh_agent_sign(agent, blob, bytes_of(&signer->data),
				   &signer->signature, limit, NULL) < 0)
			signer->failed = true;
	}
	return auth_result(a, rc, err);
}

/* Would the host take this key? AUTH_IN: yes (nothing was signed). */
static enum auth probe_key(struct auth_state *a, struct ssh_bytes blob,
			   struct err *err)
{
	struct signer signer = { .probe = true };
	enum auth auth = publickey(a, blob, NULL, &signer, err);

	if (auth == AUTH_REFUSED && signer.wanted)
		return AUTH_IN;
	return auth;
}

static enum auth try_agent_key(struct auth_state *a, struct ssh_agent *agent,
			       struct ssh_bytes blob, struct err *err)
{
	AUTO_FREE char *fingerprint = ssh_fingerprint(blob);
	AUTO_FREE char *type = ssh_blob_type(blob);
	AUTO_FREE char *what =
		xasprintf("agent key %s %s", type ? type : "?", fingerprint);
	struct signer signer = { .probe = false };
	const char *why = ssh_key_unusable(type);
	enum auth auth;

	if (strv_has(&a->blobs, fingerprint))
		return AUTH_REFUSED;
	strv_push(&a->blobs, fingerprint);
	if (why) {
		a->beyond = true;
		a->beyond_rsa |= type && !strcmp(type, "ssh-rsa");
		note(a, what, why);
		return AUTH_REFUSED;
	}
	auth = publickey(a, blob, agent, &signer, err);
	if (auth == AUTH_REFUSED)
		note(a, what,
		     signer.failed ? "the agent did not sign" : "refused");
	buf_free(&signer.data);
	buf_free(&signer.signature);
	if (auth == AUTH_IN) {
		remember(a, SSH_CREDENTIAL_AGENT, NULL);
		buf_append(&a->credential->blob, blob.data, blob.len);
	}
	return auth;
}

static const char *agent_path(const struct ssh_config *c)
{
	if (c->agent && !strcmp(c->agent, "none"))
		return NULL;
	if (!c->agent || !strcmp(c->agent, "SSH_AUTH_SOCK"))
		return getenv("SSH_AUTH_SOCK");
	if (c->agent[0] == '$')
		return getenv(c->agent + 1);
	return c->agent;
}

static struct ssh_agent *agent_list(struct auth_state *a,
				    struct ssh_agent_key **keys, size_t *n)
{
	struct mono limit = mono_min(a->deadline, mono_in_ms(AGENT_MS));
	const char *path = agent_path(a->config);
	AUTO_ERR struct err e = { 0 };
	struct ssh_agent *agent;

	*n = 0;
	if (!path || !*path)
		return NULL;
	agent = ssh_agent_open(path, limit, &e);
	if (agent && ssh_agent_list(agent, keys, n, limit, &e) == 0)
		return agent;
	ssh_agent_close(agent);
	note(a, "agent", e.message);
	return NULL;
}

/* The agent's keys that are named as identity files come first. */
static enum auth try_named_agent_keys(struct auth_state *a,
				      struct ssh_agent *agent,
				      struct ssh_agent_key *keys, size_t n,
				      struct err *err)
{
	enum auth auth = AUTH_REFUSED;

	for (size_t i = 0; i < a->config->identities.n; i++) {
		struct ssh_key key;

		(void)ssh_key_read(&key, a->config->identities.v[i]);
		for (size_t j = 0; j < n && auth == AUTH_REFUSED; j++) {
			struct ssh_bytes blob = bytes_of(&keys[j].blob);

			if (ssh_bytes_equal(blob, ssh_key_blob(&key)))
				auth = try_agent_key(a, agent, blob, err);
		}
		ssh_key_free(&key);
		if (auth != AUTH_REFUSED)
			return auth;
	}
	return AUTH_REFUSED;
}

static enum auth try_agent(struct auth_state *a, struct err *err)
{
	struct ssh_agent_key *keys;
	size_t n;
	struct ssh_agent *agent = agent_list(a, &keys, &n);
	enum auth auth;

	if (!agent)
		return AUTH_REFUSED;
	auth = try_named_agent_keys(a, agent, keys, n, err);
	for (size_t i = 0;
	     i < n && auth == AUTH_REFUSED && !a->config->identities_only; i++)
		auth = try_agent_key(a, agent, bytes_of(&keys[i].blob), err);
	ssh_agent_close(agent);
	return auth;
}

/* --- public keys: files -------------------------------------------------- */

/* @wrong: set when the passphrase does not open the file. */
static enum auth login_file(struct auth_state *a, const char *path,
			    const char *passphrase, bool *wrong,
			    struct err *err)
{
	LIBSSH2_SESSION *raw = ssh_session_raw(a->session);
	unsigned int user_len = (unsigned int)strlen(a->config->user);
	bool sent = false;
	long rc;

	*wrong = false;
	while ((rc = ssh_session_did(a->session,
				     libssh2_userauth_publickey_fromfile_ex(
					     raw, a->config->user, user_len,
					     NULL, path, passphrase))) ==
	       LIBSSH2_ERROR_EAGAIN) {
		sent = true;
		if (ssh_session_wait(a->session, a->deadline, err) < 0)
			return AUTH_FAILED;
	}
	*wrong = ssh_key_unread(rc, sent);
	return auth_result(a, rc, err);
}

static enum auth try_encrypted(struct auth_state *a, struct ssh_key *key,
			       struct err *err)
{
	AUTO_FREE char *prompt = xasprintf("Passphrase for %s: ", key->path);
	enum auth auth = AUTH_REFUSED;
	bool wrong = true;

	if (!a->opt || !a->opt->ask) {
		note(a, key->path,
		     "needs a passphrase and nobody can be asked");
		return AUTH_REFUSED;
	}
	for (int i = 0; i < ASK_TRIES && wrong && auth == AUTH_REFUSED; i++) {
		char *passphrase = ask(a, prompt);

		if (!passphrase)
			break;
		auth = login_file(a, key->path, passphrase, &wrong, err);
		if (auth == AUTH_IN)
			remember(a, SSH_CREDENTIAL_FILE, passphrase);
		secret_free(passphrase);
	}
	if (auth == AUTH_REFUSED)
		note(a, key->path,
		     wrong ? "no passphrase opened it" : "refused");
	return auth;
}

static enum auth try_plain(struct auth_state *a, struct ssh_key *key,
			   struct err *err)
{
	bool wrong;
	enum auth auth = login_file(a, key->path, NULL, &wrong, err);

	if (auth == AUTH_IN)
		remember(a, SSH_CREDENTIAL_FILE, NULL);
	else if (auth == AUTH_REFUSED)
		note(a, key->path,
		     wrong ? "libssh2 cannot read it" : "refused");
	if (auth == AUTH_REFUSED && wrong)
		a->beyond = true;
	return auth;
}

static enum auth try_key(struct auth_state *a, struct ssh_key *key,
			 struct err *err)
{
	const char *why = ssh_key_unusable(key->type);
	struct ssh_bytes blob = ssh_key_blob(key);
	AUTO_FREE char *fingerprint = ssh_fingerprint(blob);
	enum auth auth;

	if (key->certificate)
		a->beyond = true;
	if (why) {
		a->beyond = true;
		a->beyond_rsa |= !strcmp(key->type, "ssh-rsa");
		note(a, key->path, why);
		return AUTH_REFUSED;
	}
	if (blob.len && strv_has(&a->blobs, fingerprint))
		return AUTH_REFUSED; /* the agent offered it */
	if (!key->encrypted)
		return try_plain(a, key, err);
	auth = blob.len ? probe_key(a, blob, err) : AUTH_IN;
	if (auth == AUTH_IN)
		return try_encrypted(a, key, err);
	if (auth == AUTH_REFUSED)
		note(a, key->path, "refused");
	return auth;
}

static enum auth try_files(struct auth_state *a, struct err *err)
{
	for (size_t i = 0; i < a->config->identities.n; i++) {
		const char *path = a->config->identities.v[i];
		struct ssh_key key;
		enum auth auth = AUTH_REFUSED;

		if (ssh_key_read(&key, path) == 0)
			auth = try_key(a, &key, err);
		else if (errno != ENOENT)
			note(a, path, strerror(errno));
		else if (a->opt && a->opt->identity &&
			 !strcmp(path, a->opt->identity))
			note(a, path, "there is no such file");
		ssh_key_free(&key);
		if (auth == AUTH_IN)
			a->credential->path = xstrdup(path);
		if (auth != AUTH_REFUSED)
			return auth;
	}
	return AUTH_REFUSED;
}

/* --- what a person types ------------------------------------------------- */

static enum auth login_password(struct auth_state *a, const char *password,
				struct err *err)
{
	long rc;

	while ((rc = ssh_session_did(
			a->session,
			libssh2_userauth_password_ex(
				ssh_session_raw(a->session), a->config->user,
				(unsigned int)strlen(a->config->user), password,
				(unsigned int)strlen(password), NULL))) ==
	       LIBSSH2_ERROR_EAGAIN) {
		if (ssh_session_wait(a->session, a->deadline, err) < 0)
			return AUTH_FAILED;
	}
	return auth_result(a, rc, err);
}

static enum auth try_password(struct auth_state *a, struct err *err)
{
	AUTO_FREE char *prompt = xasprintf(
		"Password of %s on %s: ", a->config->user, a->config->hostname);
	enum auth auth = AUTH_REFUSED;

	for (int i = 0; i < ASK_TRIES && auth == AUTH_REFUSED; i++) {
		char *password = ask(a, prompt);

		if (!password)
			return AUTH_REFUSED;
		auth = login_password(a, password, err);
		if (auth == AUTH_IN)
			remember(a, SSH_CREDENTIAL_PASSWORD, password);
		else if (auth == AUTH_REFUSED)
			note(a, "password", "refused");
		secret_free(password);
	}
	return auth;
}

/* The dialogue of one keyboard-interactive attempt. */
struct interview {
	const struct auth_state *auth;
	const char *known; /* the answer to give to anything */
	char *answer;	   /* the last one a person gave */
	int questions;
	bool given_up;
};

static void interview_one(struct interview *v,
			  const LIBSSH2_USERAUTH_KBDINT_PROMPT *prompt,
			  LIBSSH2_USERAUTH_KBDINT_RESPONSE *response)
{
	const struct ssh_config *c = v->auth->config;
	AUTO_FREE char *text = xasprintf("(%s@%s) %.*s", c->user, c->hostname,
					 (int)prompt->length,
					 (const char *)prompt->text);
	char *answer = v->known ? xstrdup(v->known) : ask(v->auth, text);

	v->questions++;
	if (!answer) {
		v->given_up = true;
		answer = xstrdup("");
	}
	secret_free(v->answer);
	v->answer = xstrdup(answer);
	/* libssh2 frees it */
	response->text = answer;
	response->length = (unsigned int)strlen(answer);
}

static void on_interview(const char *name, int name_len,
			 const char *instruction, int instruction_len, int n,
			 const LIBSSH2_USERAUTH_KBDINT_PROMPT *prompts,
			 LIBSSH2_USERAUTH_KBDINT_RESPONSE *responses,
			 void **abstract)
{
	struct ssh_wire *w = *abstract;

	(void)name;
	(void)name_len;
	(void)instruction;
	(void)instruction_len;
	for (int i = 0; i < n; i++)
		interview_one(w->asker, &prompts[i], &responses[i]);
}

static enum auth login_interview(struct auth_state *a, struct interview *v,
				 struct err *err)
{
	enum auth auth = AUTH_FAILED;
	long rc;

	ssh_session_wire(a->session)->asker = v;
	while ((rc = ssh_session_did(
			a->session,
			libssh2_userauth_keyboard_interactive_ex(
				ssh_session_raw(a->session), a->config->user,
				(unsigned int)strlen(a->config->user),
				on_interview))) == LIBSSH2_ERROR_EAGAIN) {
		if (ssh_session_wait(a->session, a->deadline, err) < 0)
			break;
	}
	if (rc != LIBSSH2_ERROR_EAGAIN)
		auth = auth_result(a, rc, err);
	ssh_session_wire(a->session)->asker = NULL;
	return auth;
}

static enum auth try_interview(struct auth_state *a, struct err *err)
{
	enum auth auth = AUTH_REFUSED;
	bool go_on = true;

	for (int i = 0; i < ASK_TRIES && go_on && auth == AUTH_REFUSED; i++) {
		struct interview v = { .auth = a };

		auth = login_interview(a, &v, err);
		if (auth == AUTH_IN)
			remember(a,
				 v.questions == 1 ? SSH_CREDENTIAL_ANSWER
						  : SSH_CREDENTIAL_ONCE,
				 v.questions == 1 ? v.answer : NULL);
		else if (auth == AUTH_REFUSED)
			note(a, "keyboard-interactive", "refused");
		go_on = !v.given_up && v.questions;
		secret_free(v.answer);
	}
	return auth;
}

/* --- the order of things ------------------------------------------------- */

static bool takes(const struct auth_state *a, const char *method)
{
	AUTO_FREE char *list = xasprintf(",%s,", a->methods);
	AUTO_FREE char *item = xasprintf(",%s,", method);

	return strstr(list, item);
}

/* Asks the host what it takes; AUTH_IN when it takes us as we are. */
static enum auth ask_methods(struct auth_state *a, struct err *err)
{
	LIBSSH2_SESSION *raw = ssh_session_raw(a->session);
	const char *list;
	long rc;

	for (;;) {
		list = libssh2_userauth_list(
			raw, a->config->user,
			(unsigned int)strlen(a->config->user));
		rc = list ? 0 : libssh2_session_last_errno(raw);
		if (ssh_session_did(a->session, rc) != LIBSSH2_ERROR_EAGAIN)
			break;
		if (ssh_session_wait(a->session, a->deadline, err) < 0)
			return AUTH_FAILED;
	}
	if (!list && libssh2_userauth_authenticated(raw))
		return AUTH_IN;
	if (!list) {
		ssh_session_failed(a->session, rc, err);
		return AUTH_FAILED;
	}
	a->methods = xstrdup(list);
	return AUTH_REFUSED;
}

static enum auth try_all(struct auth_state *a, struct err *err)
{
	enum auth auth = ask_methods(a, err);

	if (auth == AUTH_IN)
		remember(a, SSH_CREDENTIAL_OPEN, NULL);
	if (auth == AUTH_REFUSED && takes(a, "publickey"))
		auth = try_agent(a, err);
	if (auth == AUTH_REFUSED && takes(a, "publickey"))
		auth = try_files(a, err);
	if (auth != AUTH_REFUSED || !a->opt || !a->opt->ask)
		return auth;
	if (takes(a, "keyboard-interactive"))
		auth = try_interview(a, err);
	if (auth == AUTH_REFUSED && takes(a, "password"))
		auth = try_password(a, err);
	return auth;
}

static enum auth again_agent(struct auth_state *a, struct err *err)
{
	struct ssh_credential key = { .kind = SSH_CREDENTIAL_NONE };
	struct ssh_agent_key *keys;
	size_t n;
	struct ssh_agent *agent = agent_list(a, &keys, &n);
	enum auth auth = AUTH_REFUSED;

	if (!agent)
		return AUTH_REFUSED;
	/* a success is remembered: not in what we read from */
	buf_append(&key.blob, buf_data(&a->credential->blob),
		   buf_len(&a->credential->blob));
	buf_free(&a->credential->blob);
	auth = try_agent_key(a, agent, bytes_of(&key.blob), err);
	if (auth != AUTH_IN)
		buf_append(&a->credential->blob, buf_data(&key.blob),
			   buf_len(&key.blob));
	ssh_credential_free(&key);
	ssh_agent_close(agent);
	return auth;
}

/* With what worked before. */
static enum auth try_again(struct auth_state *a, struct err *err)
{
	struct ssh_credential *c = a->credential;
	const char *secret = buf_len(&c->secret) ? buf_data(&c->secret) : NULL;
	struct interview v = { .auth = a, .known = secret };
	enum auth auth = ask_methods(a, err);
	bool wrong;

	if (auth != AUTH_REFUSED)
		return auth;
	switch (c->kind) {
	case SSH_CREDENTIAL_AGENT:
		return again_agent(a, err);
	case SSH_CREDENTIAL_FILE:
		return login_file(a, c->path, secret, &wrong, err);
	case SSH_CREDENTIAL_PASSWORD:
		return login_password(a, secret ? secret : "", err);
	case SSH_CREDENTIAL_ANSWER:
		auth = login_interview(a, &v, err);
		secret_free(v.answer);
		return auth;
	case SSH_CREDENTIAL_ONCE:
		note(a, "keyboard-interactive",
		     "its answers cannot be given a second time");
		return AUTH_REFUSED;
	default:
		return AUTH_REFUSED;
	}
}

static void refused(struct auth_state *a, struct err *err)
{
	const char *host = ssh_session_host(a->session);

	err_set(err, ERR_AUTH, "tried %s; it takes %s",
		buf_len(&a->tried) ? buf_data(&a->tried) : "nothing",
		a->methods);
	err_wrap(err, ERR_AUTH, "%s refused the login as %s", host,
		 a->config->user);
	if (a->beyond_rsa)
		err_hint(err,
			 "RSA keys do not work here: make an ed25519 key "
			 "(ssh-keygen -t ed25519; ssh-copy-id -i "
			 "~/.ssh/id_ed25519 %s@%s), or use --ssh openssh",
			 a->config->user, a->config->hostname);
	else if (a->beyond)
		err_hint(err, "ssh(1) can use keys and certificates that "
			      "libssh2 cannot: --ssh openssh");
	else
		err_hint(err,
			 "see what ssh(1) needs: ssh -v -p %s %s@%s true; "
			 "name a key with --identity FILE",
			 a->config->port, a->config->user, a->config->hostname);
}

int ssh_auth_login(struct ssh_session *s, const struct ssh_config *config,
		   const struct host_options *opt,
		   struct ssh_credential *credential, bool *beyond,
		   struct mono deadline, struct err *err)
{
	struct auth_state a = {
		.session = s,
		.config = config,
		.opt = opt,
		.credential = credential,
		.deadline = deadline,
	};
	enum auth auth;

	if (credential->kind == SSH_CREDENTIAL_NONE)
		auth = try_all(&a, err);
	else
		auth = try_again(&a, err);
	/* who was asked may have cancelled instead of answering */
	if (auth == AUTH_REFUSED && task_cancel_asked())
		err_set(err, ERR_CANCELLED, "cancelled");
	else if (auth == AUTH_REFUSED)
		refused(&a, err);
	if (beyond)
		*beyond = a.beyond;
	buf_free(&a.tried);
	strv_free(&a.blobs);
	free(a.methods);
	return auth == AUTH_IN ? 0 : -1;
}
