/* SPDX-License-Identifier: MIT */
/* endpoint_login: from the first byte to READY. */
#include "transport/endpoint/endpoint_login.h"

#include <stdlib.h>
#include <string.h>

#include "transport/base/xalloc.h"
#include "transport/endpoint/cipher_choice.h"
#include "transport/endpoint/endpoint_state.h"
#include "transport/endpoint/ssh_kexinit.h"

/* @call until it is neither to be repeated nor waited for. */
#define UNTIL_DONE(e, call)                                 \
	({                                                  \
		long rc_;                                   \
                                                            \
		while ((rc_ = endpoint_did((e), (call))) == \
		       LIBSSH2_ERROR_EAGAIN)                \
			endpoint_await_server(e);           \
		rc_;                                        \
	})

/* --- key exchange --------------------------------------------------------- */

/* What the parent may say of each; both directions get the same. */
static const struct {
	enum control_config names;
	int methods[2];
	const char *what;
} proposals[] = {
	{ CONTROL_CONFIG_CIPHERS,
	  { LIBSSH2_METHOD_CRYPT_CS, LIBSSH2_METHOD_CRYPT_SC },
	  "Ciphers" },
	{ CONTROL_CONFIG_MACS,
	  { LIBSSH2_METHOD_MAC_CS, LIBSSH2_METHOD_MAC_SC },
	  "MACs" },
	{ CONTROL_CONFIG_KEX,
	  { LIBSSH2_METHOD_KEX, LIBSSH2_METHOD_KEX },
	  "KexAlgorithms" },
	{ CONTROL_CONFIG_HOSTKEYS,
	  { LIBSSH2_METHOD_HOSTKEY, LIBSSH2_METHOD_HOSTKEY },
	  "HostKeyAlgorithms" },
};

static bool is_known(const char *name, size_t len, const char *const *known,
		     int n)
{
	for (int i = 0; i < n; i++) {
		if (strlen(known[i]) == len && !memcmp(known[i], name, len))
			return true;
	}
	return false;
}

/*
 * Those of @names that libssh2 knows, to be freed. It would drop the others by
 * itself, but copies them over each other (1.10).
 */
static char *known_names(struct endpoint *e, int method, const char *names)
{
	struct buf list = { .base = NULL };
	const char **known = NULL;
	int n = libssh2_session_supported_algs(e->raw, method, &known);

	buf_append(&list, "", 0);
	while (*names) {
		size_t len = strcspn(names, ",");

		if (is_known(names, len, known, n))
			buf_printf(&list, "%s%.*s", buf_len(&list) ? "," : "",
				   (int)len, names);
		names += len + (names[len] == ',');
	}
	if (n > 0)
		libssh2_free(e->raw, known);
	return buf_steal(&list);
}

static void propose(struct endpoint *e, const int methods[2], const char *what,
		    const char *names)
{
	for (int i = 0; i < 2; i++) {
		AUTO_FREE char *text = NULL;

		if (*names &&
		    libssh2_session_method_pref(e->raw, methods[i], names) == 0)
			continue;
		text = xasprintf("libssh2 %s knows none of the %s",
				 libssh2_version(0), what);
		endpoint_die(e, CONTROL_FAULT_CRYPTO, text);
	}
}

static void make_proposals(struct endpoint *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(proposals); i++) {
		char **names = &e->config[proposals[i].names];
		char *known = known_names(e, proposals[i].methods[0], *names);

		free(*names);
		*names = known;
	}
	cipher_choice_sort(&e->config[CONTROL_CONFIG_CIPHERS],
			   &e->config[CONTROL_CONFIG_MACS]);
	for (size_t i = 0; i < ARRAY_SIZE(proposals); i++)
		propose(e, proposals[i].methods, proposals[i].what,
			e->config[proposals[i].names]);
}

static void start_session(struct endpoint *e)
{
	static const int compression[] = { LIBSSH2_METHOD_COMP_CS,
					   LIBSSH2_METHOD_COMP_SC };

	e->raw = libssh2_session_init_ex(NULL, NULL, NULL, NULL);
	if (!e->raw)
		endpoint_die(e, CONTROL_FAULT_INTERNAL,
			     "libssh2 cannot make a session");
	ssh_wire_attach(&e->wire, e->raw);
	libssh2_session_set_blocking(e->raw, 0);
	propose(e, compression, "Compression", "none");
	make_proposals(e);
}

/* What the parent needs for its verdict. */
static void show_hostkey(struct endpoint *e)
{
	const char *asked = e->config[CONTROL_CONFIG_HOSTKEYS];
	AUTO_FREE char *has = ssh_kexinit_hostkeys((struct ssh_bytes){
		(const unsigned char *)buf_data(&e->wire.first),
		buf_len(&e->wire.first) });
	AUTO_BUF struct buf text = { .base = NULL };
	size_t len = 0;
	int type;
	const char *key = libssh2_session_hostkey(e->raw, &len, &type);

	ssh_wire_forget_first(&e->wire);
	buf_append(&text, asked, strlen(asked) + 1);
	buf_append(&text, has ? has : "", has ? strlen(has) + 1 : 1);
	if (!key || buf_len(&text) + len > CONTROL_TEXT_MAX)
		endpoint_die(e, CONTROL_FAULT_CRYPTO, "there is no host key");
	buf_append(&text, key, len);
	endpoint_say(e, CONTROL_HOSTKEY, buf_data(&text), buf_len(&text));
}

static void exchange_keys(struct endpoint *e)
{
	long rc = UNTIL_DONE(e, libssh2_session_handshake(e->raw, e->wire.fd));

	if (rc)
		endpoint_failed(e, rc);
	show_hostkey(e);
	endpoint_await_parent(e);
}

/* --- attempts ------------------------------------------------------------- */

static void ready(struct endpoint *e)
{
	AUTO_FREE char *text = xasprintf(
		"%s, %s, %s, %s",
		libssh2_session_methods(e->raw, LIBSSH2_METHOD_KEX),
		libssh2_session_methods(e->raw, LIBSSH2_METHOD_HOSTKEY),
		libssh2_session_methods(e->raw, LIBSSH2_METHOD_CRYPT_CS),
		libssh2_session_methods(e->raw, LIBSSH2_METHOD_MAC_CS));

	endpoint_say(e, CONTROL_READY, text, strlen(text));
}

/* Asks the server what it takes; true when it takes us as we are. */
static bool ask_methods(struct endpoint *e)
{
	const char *user = e->config[CONTROL_CONFIG_USER];
	const char *list = NULL;
	long rc = UNTIL_DONE(
		e, (list = libssh2_userauth_list(e->raw, user,
						 (unsigned int)strlen(user)))
			   ? 0
			   : libssh2_session_last_errno(e->raw));

	if (!list && libssh2_userauth_authenticated(e->raw))
		return true;
	if (!list)
		endpoint_failed(e, rc);
	endpoint_say(e, CONTROL_METHODS, list, strnlen(list, CONTROL_TEXT_MAX));
	return false;
}

/* The parent signs; an empty answer is a refusal. */
static int on_sign(LIBSSH2_SESSION *raw, unsigned char **sig, size_t *sig_len,
		   const unsigned char *data, size_t data_len, void **abstract)
{
	struct endpoint *e = *abstract;

	(void)raw;
	if (data_len > CONTROL_TEXT_MAX)
		return -1;
	endpoint_say(e, CONTROL_SIGN, data, data_len);
	endpoint_await_parent(e);
	if (!e->in.len)
		return -1;
	*sig_len = e->in.len;
	*sig = xmalloc(*sig_len);
	memcpy(*sig, e->in.text, *sig_len);
	return 0;
}

static long try_key(struct endpoint *e)
{
	AUTO_BUF struct buf blob = { .base = NULL };
	void *abstract = e;

	/* the signature comes into e->in, too */
	buf_append(&blob, e->in.text, e->in.len);
	return UNTIL_DONE(e, libssh2_userauth_publickey(
				     e->raw, e->config[CONTROL_CONFIG_USER],
				     (const unsigned char *)buf_data(&blob),
				     buf_len(&blob), on_sign, &abstract));
}

static long try_password(struct endpoint *e)
{
	const char *user = e->config[CONTROL_CONFIG_USER];
	long rc = UNTIL_DONE(e, libssh2_userauth_password_ex(
					e->raw, user,
					(unsigned int)strlen(user), e->in.text,
					(unsigned int)e->in.len, NULL));

	explicit_bzero(e->in.text, sizeof(e->in.text));
	return rc;
}

static void answer(struct endpoint *e,
		   const LIBSSH2_USERAUTH_KBDINT_PROMPT *prompt,
		   LIBSSH2_USERAUTH_KBDINT_RESPONSE *response)
{
	size_t len = prompt->length < CONTROL_TEXT_MAX ? prompt->length
						       : CONTROL_TEXT_MAX;

	endpoint_say(e, CONTROL_PROMPT, prompt->text, len);
	endpoint_await_parent(e);
	/* libssh2 frees it */
	response->text = xstrndup(e->in.text, e->in.len);
	response->length = (unsigned int)e->in.len;
	explicit_bzero(e->in.text, sizeof(e->in.text));
}

static void on_interview(const char *name, int name_len,
			 const char *instruction, int instruction_len, int n,
			 const LIBSSH2_USERAUTH_KBDINT_PROMPT *prompts,
			 LIBSSH2_USERAUTH_KBDINT_RESPONSE *responses,
			 void **abstract)
{
	struct ssh_wire *wire = *abstract;

	(void)name;
	(void)name_len;
	(void)instruction;
	(void)instruction_len;
	for (int i = 0; i < n; i++)
		answer(wire->asker, &prompts[i], &responses[i]);
}

static long try_interview(struct endpoint *e)
{
	const char *user = e->config[CONTROL_CONFIG_USER];

	e->wire.asker = e;
	return UNTIL_DONE(e, libssh2_userauth_keyboard_interactive_ex(
				     e->raw, user, (unsigned int)strlen(user),
				     on_interview));
}

/* What a server's refusal looks like; anything else is the end. */
static bool is_refusal(const struct endpoint *e, long rc)
{
	if (ssh_wire_dead(&e->wire) || e->wire.farewell)
		return false;
	switch (rc) {
	case LIBSSH2_ERROR_AUTHENTICATION_FAILED:
	case LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED:
	case LIBSSH2_ERROR_PASSWORD_EXPIRED:
	case LIBSSH2_ERROR_METHOD_NOT_SUPPORTED:
#ifdef LIBSSH2_ERROR_ALGO_UNSUPPORTED
	case LIBSSH2_ERROR_ALGO_UNSUPPORTED:
#endif
		return true;
	default:
		return false;
	}
}

static long attempt(struct endpoint *e)
{
	switch (e->in.head.word) {
	case CONTROL_KEY:
		return try_key(e);
	case CONTROL_PASSWORD:
		return try_password(e);
	default:
		return try_interview(e);
	}
}

void endpoint_login(struct endpoint *e)
{
	long rc;

	start_session(e);
	exchange_keys(e);
	if (!ask_methods(e)) {
		for (;;) {
			AUTO_FREE char *words = NULL;

			endpoint_await_parent(e);
			rc = attempt(e);
			if (!rc)
				break;
			if (!is_refusal(e, rc))
				endpoint_failed(e, rc);
			words = endpoint_words(e, rc);
			endpoint_say(e, CONTROL_REFUSED, words, strlen(words));
		}
	}
	ready(e);
}
