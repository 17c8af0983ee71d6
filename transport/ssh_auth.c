/* SPDX-License-Identifier: MIT */
/* ssh_auth: logs in, by what the user has. */
#include "transport/ssh_auth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/ssh_agent.h"
#include "transport/ssh_file.h"
#include "transport/ssh_key.h"
#include "transport/ssh_private.h"

/* A person may confirm the use of an agent's key; a hung agent may not. */
enum { ASK_TRIES = 3, METHOD_BYTES = 64, AGENT_MS = 30000 };

/* As ssh(1) has it, without the ways that are its own. */
#define USUAL_ORDER "publickey,keyboard-interactive,password"

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

/* A connection that is lost now may be the host's way to refuse. */
static enum ssh_login_step result(struct auth_state *a,
				  enum ssh_login_step step, struct err *err)
{
	if (step == SSH_LOGIN_FAILED && err && err->kind == ERR_NETWORK &&
	    buf_len(&a->tried))
		err_wrap(err, ERR_AUTH, "%s hung up during the login (%s)",
			 ssh_session_host(a->session), buf_data(&a->tried));
	return step;
}

static void remember(struct auth_state *a, enum ssh_credential_kind kind,
		     const char *secret)
{
	a->credential->kind = kind;
	buf_wipe(&a->credential->secret);
	if (secret)
		buf_append(&a->credential->secret, secret, strlen(secret));
}

static bool may_ask(const struct auth_state *a)
{
	return a->opt && a->opt->ask && !a->config->batch;
}

static int ask_tries(const struct auth_state *a)
{
	return a->config->password_prompts > 0 ? a->config->password_prompts
					       : ASK_TRIES;
}

/* What a person takes to answer is not the host's time. */
static char *ask(struct auth_state *a, const char *prompt)
{
	struct mono start = mono_now();
	char *answer;

	if (!may_ask(a))
		return NULL;
	answer = a->opt->ask(a->opt->arg, prompt, HOST_ASK_SECRET);
	a->deadline = mono_add_since(a->deadline, start);
	return answer;
}

/* --- public keys: the agent signs ---------------------------------------- */

struct agent_signer {
	const struct auth_state *auth;
	struct ssh_agent *agent;
	struct ssh_bytes blob;
	bool failed;
};

static int agent_sign(void *arg, const char *algorithm, struct ssh_bytes data,
		      struct buf *signature)
{
	struct agent_signer *s = arg;
	struct mono limit = mono_min(s->auth->deadline, mono_in_ms(AGENT_MS));

	s->failed = ssh_agent_sign(s->agent, s->blob, algorithm, data,
				   signature, limit, NULL) < 0;
	return s->failed ? -1 : 0;
}

/* Would the host take this key? IN: yes (nothing was signed). */
static enum ssh_login_step probe_key(struct auth_state *a,
				     struct ssh_bytes blob, struct err *err)
{
	return result(a,
		      ssh_session_try_key(a->session, blob, NULL, NULL,
					  a->deadline, err),
		      err);
}

static const char *unusable(const struct auth_state *a, const char *type)
{
	return ssh_key_unusable(type, ssh_session_knows_rsa_sha2(a->session));
}

static enum ssh_login_step try_agent_key(struct auth_state *a,
					 struct ssh_agent *agent,
					 struct ssh_bytes blob, struct err *err)
{
	AUTO_FREE char *fingerprint = ssh_fingerprint(blob);
	AUTO_FREE char *type = ssh_blob_type(blob);
	AUTO_FREE char *what =
		xasprintf("agent key %s %s", type ? type : "?", fingerprint);
	struct agent_signer signer = { a, agent, blob, false };
	const char *why = unusable(a, type);
	enum ssh_login_step step;

	if (strv_has(&a->blobs, fingerprint))
		return SSH_LOGIN_REFUSED;
	strv_push(&a->blobs, fingerprint);
	if (why) {
		a->beyond = true;
		a->beyond_rsa |= type && !strcmp(type, "ssh-rsa");
		note(a, what, why);
		return SSH_LOGIN_REFUSED;
	}
	step = result(a,
		      ssh_session_try_key(a->session, blob, agent_sign, &signer,
					  a->deadline, err),
		      err);
	if (step == SSH_LOGIN_REFUSED)
		note(a, what,
		     signer.failed ? "the agent did not sign" : "refused");
	if (step == SSH_LOGIN_IN) {
		remember(a, SSH_CREDENTIAL_AGENT, NULL);
		buf_append(&a->credential->blob, blob.data, blob.len);
	}
	return step;
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
static enum ssh_login_step try_named_agent_keys(struct auth_state *a,
						struct ssh_agent *agent,
						struct ssh_agent_key *keys,
						size_t n, struct err *err)
{
	enum ssh_login_step step = SSH_LOGIN_REFUSED;

	for (size_t i = 0; i < a->config->identities.n; i++) {
		struct ssh_key key;

		(void)ssh_key_read(&key, a->config->identities.v[i]);
		for (size_t j = 0; j < n && step == SSH_LOGIN_REFUSED; j++) {
			struct ssh_bytes blob = bytes_of(&keys[j].blob);

			if (ssh_bytes_equal(blob, ssh_key_blob(&key)))
				step = try_agent_key(a, agent, blob, err);
		}
		ssh_key_free(&key);
		if (step != SSH_LOGIN_REFUSED)
			return step;
	}
	return SSH_LOGIN_REFUSED;
}

static enum ssh_login_step try_agent(struct auth_state *a, struct err *err)
{
	struct ssh_agent_key *keys;
	size_t n;
	struct ssh_agent *agent = agent_list(a, &keys, &n);
	enum ssh_login_step step;

	if (!agent)
		return SSH_LOGIN_REFUSED;
	step = try_named_agent_keys(a, agent, keys, n, err);
	for (size_t i = 0;
	     i < n && step == SSH_LOGIN_REFUSED && !a->config->identities_only;
	     i++)
		step = try_agent_key(a, agent, bytes_of(&keys[i].blob), err);
	ssh_agent_close(agent);
	return step;
}

/* --- public keys: files -------------------------------------------------- */

static int private_sign(void *arg, const char *algorithm, struct ssh_bytes data,
			struct buf *signature)
{
	return ssh_private_sign(arg, algorithm, data, signature);
}

static struct ssh_private *read_private(const char *path,
					const char *passphrase,
					enum ssh_private_fault *fault)
{
	struct buf text = { .base = NULL };
	struct ssh_private *k = NULL;

	*fault = SSH_PRIVATE_UNKNOWN;
	if (ssh_file_read(path, &text) == 0)
		k = ssh_private_parse(buf_data(&text), passphrase, fault);
	buf_wipe(&text);
	return k;
}

static bool is_usable(const struct auth_state *a, struct ssh_private *k)
{
	AUTO_FREE char *type = ssh_blob_type(ssh_private_blob(k));

	return !unusable(a, type);
}

/* *fault: why the file cannot be used; it is refused then. */
static enum ssh_login_step login_file(struct auth_state *a, const char *path,
				      const char *passphrase,
				      enum ssh_private_fault *fault,
				      struct err *err)
{
	struct ssh_private *k = read_private(path, passphrase, fault);
	enum ssh_login_step step = SSH_LOGIN_REFUSED;

	/* a PEM file shows its type only now */
	if (k && !is_usable(a, k))
		*fault = SSH_PRIVATE_UNKNOWN;
	else if (k)
		step = ssh_session_try_key(a->session, ssh_private_blob(k),
					   private_sign, k, a->deadline, err);
	ssh_private_free(k);
	return result(a, step, err);
}

static const char *file_verdict(enum ssh_private_fault fault)
{
	switch (fault) {
	case SSH_PRIVATE_LOCKED:
		return "no passphrase opened it";
	case SSH_PRIVATE_UNKNOWN:
		return "no key that can be used here";
	default:
		return "refused";
	}
}

static enum ssh_login_step try_encrypted(struct auth_state *a,
					 struct ssh_key *key, struct err *err)
{
	AUTO_FREE char *prompt = xasprintf("Passphrase for %s: ", key->path);
	enum ssh_private_fault fault = SSH_PRIVATE_LOCKED;
	enum ssh_login_step step = SSH_LOGIN_REFUSED;

	if (!may_ask(a)) {
		note(a, key->path,
		     "needs a passphrase and nobody can be asked");
		return SSH_LOGIN_REFUSED;
	}
	for (int i = 0; i < ask_tries(a) && fault == SSH_PRIVATE_LOCKED; i++) {
		char *passphrase = ask(a, prompt);

		if (!passphrase)
			break;
		step = login_file(a, key->path, passphrase, &fault, err);
		if (step == SSH_LOGIN_IN)
			remember(a, SSH_CREDENTIAL_FILE, passphrase);
		secret_free(passphrase);
	}
	if (step == SSH_LOGIN_REFUSED)
		note(a, key->path, file_verdict(fault));
	return step;
}

static enum ssh_login_step try_plain(struct auth_state *a, struct ssh_key *key,
				     struct err *err)
{
	enum ssh_private_fault fault;
	enum ssh_login_step step = login_file(a, key->path, NULL, &fault, err);

	if (step == SSH_LOGIN_IN)
		remember(a, SSH_CREDENTIAL_FILE, NULL);
	if (step == SSH_LOGIN_REFUSED)
		note(a, key->path, file_verdict(fault));
	/* ssh(1) knows more kinds */
	if (step == SSH_LOGIN_REFUSED && fault != SSH_PRIVATE_READ)
		a->beyond = true;
	return step;
}

static enum ssh_login_step try_key(struct auth_state *a, struct ssh_key *key,
				   struct err *err)
{
	const char *why = unusable(a, key->type);
	struct ssh_bytes blob = ssh_key_blob(key);
	AUTO_FREE char *fingerprint = ssh_fingerprint(blob);
	enum ssh_login_step step;

	if (key->certificate)
		a->beyond = true;
	if (why) {
		a->beyond = true;
		a->beyond_rsa |= !strcmp(key->type, "ssh-rsa");
		note(a, key->path, why);
		return SSH_LOGIN_REFUSED;
	}
	if (blob.len && strv_has(&a->blobs, fingerprint))
		return SSH_LOGIN_REFUSED; /* the agent offered it */
	if (!key->encrypted)
		return try_plain(a, key, err);
	step = blob.len ? probe_key(a, blob, err) : SSH_LOGIN_IN;
	if (step == SSH_LOGIN_IN)
		return try_encrypted(a, key, err);
	if (step == SSH_LOGIN_REFUSED)
		note(a, key->path, "refused");
	return step;
}

static enum ssh_login_step try_files(struct auth_state *a, struct err *err)
{
	for (size_t i = 0; i < a->config->identities.n; i++) {
		const char *path = a->config->identities.v[i];
		struct ssh_key key;
		enum ssh_login_step step = SSH_LOGIN_REFUSED;

		if (ssh_key_read(&key, path) == 0)
			step = try_key(a, &key, err);
		else if (errno != ENOENT)
			note(a, path, strerror(errno));
		else if (a->opt && a->opt->identity &&
			 !strcmp(path, a->opt->identity))
			note(a, path, "there is no such file");
		ssh_key_free(&key);
		if (step == SSH_LOGIN_IN)
			a->credential->path = xstrdup(path);
		if (step != SSH_LOGIN_REFUSED)
			return step;
	}
	return SSH_LOGIN_REFUSED;
}

/* --- what a person types ------------------------------------------------- */

static enum ssh_login_step login_password(struct auth_state *a,
					  const char *password, struct err *err)
{
	return result(a,
		      ssh_session_try_password(a->session, password,
					       a->deadline, err),
		      err);
}

static enum ssh_login_step try_password(struct auth_state *a, struct err *err)
{
	AUTO_FREE char *prompt = xasprintf(
		"Password of %s on %s: ", a->config->user, a->config->hostname);
	enum ssh_login_step step = SSH_LOGIN_REFUSED;

	for (int i = 0; i < ask_tries(a) && step == SSH_LOGIN_REFUSED; i++) {
		char *password = ask(a, prompt);

		if (!password)
			return SSH_LOGIN_REFUSED;
		step = login_password(a, password, err);
		if (step == SSH_LOGIN_IN)
			remember(a, SSH_CREDENTIAL_PASSWORD, password);
		else if (step == SSH_LOGIN_REFUSED)
			note(a, "password", "refused");
		secret_free(password);
	}
	return step;
}

/* The dialogue of one keyboard-interactive attempt. */
struct interview {
	struct auth_state *auth;
	const char *known; /* the answer to give to anything */
	char *answer;	   /* the last one a person gave */
	int questions;
	bool given_up;
};

static char *answer(void *arg, const char *question)
{
	struct interview *v = arg;
	const struct ssh_config *c = v->auth->config;
	AUTO_FREE char *text =
		xasprintf("(%s@%s) %s", c->user, c->hostname, question);
	char *reply = v->known ? xstrdup(v->known) : ask(v->auth, text);

	v->questions++;
	if (!reply)
		v->given_up = true;
	secret_free(v->answer);
	v->answer = xstrdup(reply ? reply : "");
	return reply;
}

static enum ssh_login_step login_interview(struct auth_state *a,
					   struct interview *v, struct err *err)
{
	return result(a,
		      ssh_session_try_interview(a->session, answer, v,
						a->deadline, err),
		      err);
}

static enum ssh_login_step try_interview(struct auth_state *a, struct err *err)
{
	enum ssh_login_step step = SSH_LOGIN_REFUSED;
	bool go_on = true;

	for (int i = 0; i < ask_tries(a) && go_on && step == SSH_LOGIN_REFUSED;
	     i++) {
		struct interview v = { .auth = a };

		step = login_interview(a, &v, err);
		if (step == SSH_LOGIN_IN)
			remember(a,
				 v.questions == 1 ? SSH_CREDENTIAL_ANSWER
						  : SSH_CREDENTIAL_ONCE,
				 v.questions == 1 ? v.answer : NULL);
		else if (step == SSH_LOGIN_REFUSED)
			note(a, "keyboard-interactive", "refused");
		go_on = !v.given_up && v.questions;
		secret_free(v.answer);
	}
	return step;
}

/* --- the order of things ------------------------------------------------- */

static bool takes(const struct auth_state *a, const char *method)
{
	AUTO_FREE char *list = xasprintf(",%s,", a->methods);
	AUTO_FREE char *item = xasprintf(",%s,", method);

	return strstr(list, item);
}

static enum ssh_login_step try_publickey(struct auth_state *a, struct err *err)
{
	enum ssh_login_step step = try_agent(a, err);

	return step == SSH_LOGIN_REFUSED ? try_files(a, err) : step;
}

/* The ways that the configuration allows; the others do not exist. */
static enum ssh_login_step try_method(struct auth_state *a, const char *method,
				      struct err *err)
{
	const struct ssh_config *c = a->config;
	const struct {
		const char *name;
		bool off;
		enum ssh_login_step (*try)(struct auth_state *a,
					   struct err *err);
	} ways[] = {
		{ "publickey", c->no_publickey, try_publickey },
		{ "keyboard-interactive",
		  c->no_keyboard_interactive || !may_ask(a), try_interview },
		{ "password", c->no_password || !may_ask(a), try_password },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		if (!strcmp(method, ways[i].name) && !ways[i].off &&
		    takes(a, method))
			return ways[i].try(a, err);
	}
	return SSH_LOGIN_REFUSED;
}

/* What ssh(1) has besides, if the host takes it. */
static void note_other_ways(struct auth_state *a)
{
	if ((a->config->gssapi && takes(a, "gssapi-with-mic")) ||
	    (a->config->hostbased && takes(a, "hostbased")))
		a->beyond = true;
}

static enum ssh_login_step try_all(struct auth_state *a, struct err *err)
{
	const char *order = a->config->authentications;
	enum ssh_login_step step =
		ssh_session_trust(a->session, &a->methods, a->deadline, err);

	if (step == SSH_LOGIN_IN)
		remember(a, SSH_CREDENTIAL_OPEN, NULL);
	if (!order)
		order = USUAL_ORDER;
	while (step == SSH_LOGIN_REFUSED && *order) {
		size_t len = strcspn(order, ",");
		char method[METHOD_BYTES] = "";

		if (len < sizeof(method))
			memcpy(method, order, len);
		step = try_method(a, method, err);
		order += len;
		order += *order == ',';
	}
	if (step == SSH_LOGIN_REFUSED)
		note_other_ways(a);
	return step;
}

static enum ssh_login_step again_agent(struct auth_state *a, struct err *err)
{
	struct ssh_credential key = { .kind = SSH_CREDENTIAL_NONE };
	struct ssh_agent_key *keys;
	size_t n;
	struct ssh_agent *agent = agent_list(a, &keys, &n);
	enum ssh_login_step step = SSH_LOGIN_REFUSED;

	if (!agent)
		return SSH_LOGIN_REFUSED;
	/* a success is remembered: not in what we read from */
	buf_append(&key.blob, buf_data(&a->credential->blob),
		   buf_len(&a->credential->blob));
	buf_free(&a->credential->blob);
	step = try_agent_key(a, agent, bytes_of(&key.blob), err);
	if (step != SSH_LOGIN_IN)
		buf_append(&a->credential->blob, buf_data(&key.blob),
			   buf_len(&key.blob));
	ssh_credential_free(&key);
	ssh_agent_close(agent);
	return step;
}

/* With what worked before. */
static enum ssh_login_step try_again(struct auth_state *a, struct err *err)
{
	struct ssh_credential *c = a->credential;
	const char *secret = buf_len(&c->secret) ? buf_data(&c->secret) : NULL;
	struct interview v = { .auth = a, .known = secret };
	enum ssh_login_step step =
		ssh_session_trust(a->session, &a->methods, a->deadline, err);
	enum ssh_private_fault fault;

	if (step != SSH_LOGIN_REFUSED)
		return step;
	switch (c->kind) {
	case SSH_CREDENTIAL_AGENT:
		return again_agent(a, err);
	case SSH_CREDENTIAL_FILE:
		return login_file(a, c->path, secret, &fault, err);
	case SSH_CREDENTIAL_PASSWORD:
		return login_password(a, secret ? secret : "", err);
	case SSH_CREDENTIAL_ANSWER:
		step = login_interview(a, &v, err);
		secret_free(v.answer);
		return step;
	case SSH_CREDENTIAL_ONCE:
		note(a, "keyboard-interactive",
		     "its answers cannot be given a second time");
		return SSH_LOGIN_REFUSED;
	default:
		return SSH_LOGIN_REFUSED;
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
			 "(ssh-keygen -t ed25519; ssh-copy-id -p %s -i "
			 "~/.ssh/id_ed25519 %s@%s), or use --ssh openssh",
			 a->config->port, a->config->user, a->config->hostname);
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
	enum ssh_login_step step;

	if (credential->kind == SSH_CREDENTIAL_NONE)
		step = try_all(&a, err);
	else
		step = try_again(&a, err);
	/* who was asked may have cancelled instead of answering */
	if (step == SSH_LOGIN_REFUSED && task_cancel_asked())
		err_set(err, ERR_CANCELLED, "cancelled");
	else if (step == SSH_LOGIN_REFUSED)
		refused(&a, err);
	if (beyond)
		*beyond = a.beyond;
	buf_free(&a.tried);
	strv_free(&a.blobs);
	free(a.methods);
	return step == SSH_LOGIN_IN ? 0 : -1;
}
