/* SPDX-License-Identifier: MIT */
/* ssh_login: from a name to a session that is logged in. */
#include "transport/ssh_login.h"

#include <stdlib.h>
#include <string.h>

#include "transport/base/log.h"
#include "transport/base/xalloc.h"
#include "transport/ssh_auth.h"
#include "transport/ssh_hostkey.h"

struct ssh_login {
	char *name;
	struct ssh_config config;
	struct ssh_dial_options dial;
	struct buf hostkey; /* the blob that was verified */
	struct ssh_credential credential;
};

void ssh_link_close(struct ssh_link *l)
{
	ssh_session_close(l->session);
	ssh_proxy_free(l->proxy);
	*l = (struct ssh_link){ .session = NULL };
}

/* --- algorithms ---------------------------------------------------------- */

/*
 * Cheapest first. libssh2 1.10 has neither AEAD ciphers nor encrypt-then-MAC;
 * names that it does not know are dropped from the list.
 */
static const struct {
	int method;
	const char *names;
} preferences[] = {
	{ LIBSSH2_METHOD_CRYPT_CS, "aes128-ctr,aes192-ctr,aes256-ctr" },
	{ LIBSSH2_METHOD_CRYPT_SC, "aes128-ctr,aes192-ctr,aes256-ctr" },
	{ LIBSSH2_METHOD_MAC_CS, "hmac-sha2-256,hmac-sha2-512,hmac-sha1" },
	{ LIBSSH2_METHOD_MAC_SC, "hmac-sha2-256,hmac-sha2-512,hmac-sha1" },
	{ LIBSSH2_METHOD_COMP_CS, "none" },
	{ LIBSSH2_METHOD_COMP_SC, "none" },
};

static void set_preferences(LIBSSH2_SESSION *raw)
{
	for (size_t i = 0; i < ARRAY_SIZE(preferences); i++)
		(void)libssh2_session_method_pref(raw, preferences[i].method,
						  preferences[i].names);
}

static bool no_common_algorithm(struct ssh_session *s)
{
	const struct ssh_wire *w = ssh_session_wire(s);
	int rc = libssh2_session_last_errno(ssh_session_raw(s));

	if (w->farewell && strstr(w->farewell, "no matching"))
		return true;
	return rc == LIBSSH2_ERROR_KEX_FAILURE ||
	       rc == LIBSSH2_ERROR_METHOD_NONE;
}

static int handshake(struct ssh_session *s, struct mono deadline,
		     struct err *err)
{
	const char *host = ssh_session_host(s);

	set_preferences(ssh_session_raw(s));
	if (ssh_session_handshake(s, deadline, err) == 0)
		return 0;
	if (!no_common_algorithm(s))
		return err_wrap(err, ERR_NONE,
				"the SSH handshake with %s failed", host);
	err_wrap(err, ERR_CRYPTO,
		 "libssh2 " LIBSSH2_VERSION " and the SSH server on %s have no "
		 "cipher, MAC or key exchange in common",
		 host);
	return err_hint(err, "use --ssh openssh, or allow aes128-ctr and "
			     "hmac-sha2-256 in the server's Ciphers and MACs");
}

/* --- the first login ----------------------------------------------------- */

static int verify_hostkey(struct ssh_login *login, const struct known_hosts *k,
			  struct ssh_session *s, bool accept_new,
			  struct err *err)
{
	struct ssh_bytes offered = ssh_hostkey_offered(ssh_session_raw(s));

	if (ssh_hostkey_verify(k, &login->config, login->name, offered,
			       accept_new, err) < 0)
		return -1;
	buf_append(&login->hostkey, offered.data, offered.len);
	return 0;
}

static int first_session(struct ssh_login *login,
			 const struct host_options *opt, struct ssh_link *link,
			 bool *beyond, struct mono deadline, struct err *err)
{
	struct known_hosts known;
	int rc;

	ssh_hostkey_load(&known, &login->config);
	rc = ssh_hostkey_prefer(ssh_session_raw(link->session), &known, err);
	if (rc == 0)
		rc = handshake(link->session, deadline, err);
	if (rc == 0)
		rc = verify_hostkey(login, &known, link->session,
				    opt->accept_new_host_key, err);
	known_hosts_free(&known);
	if (rc < 0) {
		*beyond = err && err_has(err, ERR_CRYPTO);
		return -1;
	}
	return ssh_auth_login(link->session, &login->config, opt,
			      &login->credential, beyond, deadline, err);
}

/* --- every further one --------------------------------------------------- */

static int same_hostkey(struct ssh_login *login, struct ssh_session *s,
			struct err *err)
{
	struct ssh_bytes offered = ssh_hostkey_offered(ssh_session_raw(s));
	struct ssh_bytes known = {
		(const unsigned char *)buf_data(&login->hostkey),
		buf_len(&login->hostkey),
	};

	if (ssh_bytes_equal(offered, known))
		return 0;
	return err_set(err, ERR_HOSTKEY,
		       "%s shows another host key than a moment ago; nothing "
		       "was sent",
		       login->name);
}

static int further_session(struct ssh_login *login, struct ssh_link *link,
			   struct mono deadline, struct err *err)
{
	struct ssh_bytes blob = {
		(const unsigned char *)buf_data(&login->hostkey),
		buf_len(&login->hostkey),
	};
	struct known_hosts known = { .name = NULL };
	AUTO_FREE char *type = ssh_blob_type(blob);
	AUTO_FREE char *line = NULL;
	int rc;

	/* of the host's keys, ask for the one that was verified */
	known_hosts_init(&known, login->config.hostname, "22");
	line = known_hosts_line(&known, type, blob);
	known_hosts_add(&known, "", line);
	rc = ssh_hostkey_prefer(ssh_session_raw(link->session), &known, err);
	known_hosts_free(&known);
	if (rc < 0 || handshake(link->session, deadline, err) < 0 ||
	    same_hostkey(login, link->session, err) < 0)
		return -1;
	return ssh_auth_login(link->session, &login->config, NULL,
			      &login->credential, NULL, deadline, err);
}

/* --- both ---------------------------------------------------------------- */

static int connect_link(struct ssh_login *login, struct ssh_link *link,
			struct mono deadline, struct err *err)
{
	int fd = ssh_dial(&login->config, &login->dial, &link->proxy, deadline,
			  err);

	if (fd < 0)
		return -1;
	link->session = ssh_session_new(login->name, fd, err);
	return link->session ? 0 : -1;
}

static void link_failed(struct ssh_link *link, struct err *err)
{
	if (err && err->kind == ERR_NETWORK)
		ssh_proxy_explain(link->proxy, err);
	ssh_link_close(link);
}

static void log_link(struct ssh_login *login, struct ssh_session *s)
{
	LIBSSH2_SESSION *raw = ssh_session_raw(s);

	log_debug(login->name, "logged in as %s: %s, %s, %s, %s",
		  login->config.user,
		  libssh2_session_methods(raw, LIBSSH2_METHOD_KEX),
		  libssh2_session_methods(raw, LIBSSH2_METHOD_HOSTKEY),
		  libssh2_session_methods(raw, LIBSSH2_METHOD_CRYPT_CS),
		  libssh2_session_methods(raw, LIBSSH2_METHOD_MAC_CS));
}

int ssh_login_again(struct ssh_login *login, struct ssh_link *link,
		    struct mono deadline, struct err *err)
{
	*link = (struct ssh_link){ .session = NULL };
	if (connect_link(login, link, deadline, err) == 0 &&
	    further_session(login, link, deadline, err) == 0) {
		ssh_session_logged_in(link->session);
		return 0;
	}
	link_failed(link, err);
	return err_wrap(err, ERR_NONE, "no further SSH session to %s",
			login->name);
}

struct ssh_login *ssh_login_new(const struct host_target *t, const char *name,
				const struct host_options *opt,
				struct ssh_link *link, bool *beyond,
				struct mono deadline, struct err *err)
{
	struct ssh_login *login = XNEW(struct ssh_login);

	*beyond = false;
	*link = (struct ssh_link){ .session = NULL };
	(void)libssh2_init(0);
	login->name = xstrdup(name);
	login->dial = (struct ssh_dial_options){
		.config_file = xstrdup(opt->ssh_config),
		.known_hosts = xstrdup(opt->known_hosts),
		.accept_new = opt->accept_new_host_key,
		.interactive = opt->ask != NULL,
	};
	if (ssh_config_read(&login->config, t, opt, deadline, err) == 0 &&
	    connect_link(login, link, deadline, err) == 0 &&
	    first_session(login, opt, link, beyond, deadline, err) == 0) {
		ssh_session_logged_in(link->session);
		log_link(login, link->session);
		return login;
	}
	link_failed(link, err);
	ssh_login_free(login);
	return NULL;
}

void ssh_login_free(struct ssh_login *login)
{
	if (!login)
		return;
	free(login->name);
	ssh_config_free(&login->config);
	free(login->dial.config_file);
	free(login->dial.known_hosts);
	buf_free(&login->hostkey);
	ssh_credential_free(&login->credential);
	free(login);
	libssh2_exit();
}
