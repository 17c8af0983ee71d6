/* SPDX-License-Identifier: MIT */
/* ssh_login: from a name to a session that is logged in. */
#include "transport/ssh_login.h"

#include <stdlib.h>
#include <string.h>

#include "transport/base/log.h"
#include "transport/base/xalloc.h"
#include "transport/ssh_auth.h"
#include "transport/ssh_hostkey.h"
#include "transport/stream_fd.h"

struct ssh_login {
	char *name;
	char *address; /* numeric; NULL: behind a proxy */
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
 * What costs least on this machine is proposed first (cipher_choice.h), and of
 * what costs about the same the first one. libssh2 1.10 has no GCM; names that
 * it does not know are dropped. Nothing rests on CBC, MD5 or SHA-1, and no
 * group is below 2048 bits. libssh2 1.11.1 has a fault in what it does for
 * encrypt-then-MAC. The last two names of the key exchange are extensions.
 */
#define CIPHERS                                          \
	"aes128-gcm@openssh.com,aes256-gcm@openssh.com," \
	"aes128-ctr,aes192-ctr,aes256-ctr"
#define MACS "hmac-sha2-256,hmac-sha2-512"
#define KEX                                                                  \
	"curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256," \
	"ecdh-sha2-nistp384,ecdh-sha2-nistp521,"                             \
	"diffie-hellman-group-exchange-sha256,"                              \
	"diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,"       \
	"diffie-hellman-group14-sha256"
#define KEX_EXTENSIONS ",ext-info-c,kex-strict-c-v00@openssh.com"

/* Those of @names that the configuration allows; to be freed. */
static char *allowed(const char *names, const char *configured)
{
	AUTO_FREE char *copy = xstrdup(names);
	AUTO_FREE char *list = NULL;
	AUTO_STRV struct strv kept = { .v = NULL };
	char *save = NULL;

	if (!configured)
		return xstrdup(names);
	list = xasprintf(",%s,", configured);
	for (const char *n = strtok_r(copy, ",", &save); n;
	     n = strtok_r(NULL, ",", &save)) {
		AUTO_FREE char *item = xasprintf(",%s,", n);

		if (strstr(list, item))
			strv_push(&kept, n);
	}
	return strv_join(&kept, ",");
}

static struct ssh_session *handshake(struct ssh_login *login, int fd,
				     const char *hostkeys, struct mono deadline,
				     struct err *err)
{
	const struct ssh_config *c = &login->config;
	AUTO_FREE char *ciphers = allowed(CIPHERS, c->ciphers);
	AUTO_FREE char *macs = allowed(MACS, c->macs);
	AUTO_FREE char *kex = allowed(KEX, c->kex);
	AUTO_FREE char *kex_all =
		xasprintf("%s%s", kex, *kex ? KEX_EXTENSIONS : "");
	const struct ssh_proposal proposal = {
		.user = c->user,
		.hostkeys = hostkeys,
		.ciphers = ciphers,
		.macs = macs,
		.kex = kex_all,
	};
	struct ssh_session *s =
		ssh_session_new(login->name, fd, &proposal, deadline, err);

	if (s)
		return s;
	if (!err || err->kind != ERR_CRYPTO) {
		err_wrap(err, ERR_NONE, "the SSH handshake with %s failed",
			 login->name);
		return NULL;
	}
	err_wrap(err, ERR_CRYPTO,
		 "libssh2 and the SSH server on %s have no cipher, MAC, key "
		 "exchange or host key type in common that the ssh "
		 "configuration allows",
		 login->name);
	err_hint(err, "use --ssh openssh, or allow aes128-ctr and "
		      "hmac-sha2-256 in the server's Ciphers and MACs");
	return NULL;
}

/*
 * The connection, then the session over it: its host key has yet to be judged.
 * Of the host's keys one of those on file is asked for. *deadline: later by
 * what people take to answer to a proxy.
 */
static int connect_link(struct ssh_login *login, struct ssh_link *link,
			const struct known_hosts *k, struct mono *deadline,
			struct err *err)
{
	AUTO_FREE char *hostkeys = ssh_hostkey_algorithms(k);
	struct mono limit = *deadline, start;
	int fd = ssh_dial(&login->config, &login->dial, &link->proxy, limit,
			  err);

	if (fd < 0)
		return -1;
	free(login->address);
	login->address = link->proxy ? NULL : stream_fd_peer_address(fd);
	start = mono_now();
	if (link->proxy && login->dial.interactive)
		limit = mono_add_ms(limit, HOST_PERSON_MS);
	link->session = handshake(login, fd, hostkeys, limit, err);
	if (link->proxy && login->dial.interactive)
		*deadline = mono_add_since(*deadline, start);
	return link->session ? 0 : -1;
}

/* --- the first login ----------------------------------------------------- */

/* *deadline: later by what a person takes to answer. */
static int verify_hostkey(struct ssh_login *login, const struct known_hosts *k,
			  const struct host_options *opt, struct ssh_session *s,
			  bool *beyond, struct mono *deadline, struct err *err)
{
	const struct ssh_hostkey_offer offer = {
		.host = login->name,
		.address = login->address,
		.algorithms = ssh_session_hostkeys_asked(s),
		.has = ssh_session_hostkeys_has(s),
		.key = ssh_session_hostkey(s),
	};
	struct mono start = mono_now();

	if (ssh_hostkey_verify(k, &login->config, &offer, opt, beyond, err) < 0)
		return -1;
	*deadline = mono_add_since(*deadline, start);
	buf_append(&login->hostkey, offer.key.data, offer.key.len);
	return 0;
}

static int first_exchange(struct ssh_login *login,
			  const struct host_options *opt, struct ssh_link *link,
			  bool *beyond, struct mono *deadline, struct err *err)
{
	struct known_hosts known;
	int rc = ssh_hostkey_load(&known, &login->config, err);

	*beyond = rc < 0;
	if (rc == 0) {
		rc = connect_link(login, link, &known, deadline, err);
		*beyond = rc < 0 && err && err_has(err, ERR_CRYPTO);
	}
	if (rc == 0)
		rc = verify_hostkey(login, &known, opt, link->session, beyond,
				    deadline, err);
	known_hosts_free(&known);
	return rc;
}

static int first_session(struct ssh_login *login,
			 const struct host_options *opt, struct ssh_link *link,
			 bool *beyond, struct mono deadline, struct err *err)
{
	if (first_exchange(login, opt, link, beyond, &deadline, err) < 0)
		return -1;
	return ssh_auth_login(link->session, &login->config, opt,
			      &login->credential, beyond, deadline, err);
}

/* --- every further one --------------------------------------------------- */

static struct ssh_bytes known_hostkey(struct ssh_login *login)
{
	return (struct ssh_bytes){
		(const unsigned char *)buf_data(&login->hostkey),
		buf_len(&login->hostkey),
	};
}

static int same_hostkey(struct ssh_login *login, struct ssh_session *s,
			struct err *err)
{
	if (ssh_bytes_equal(ssh_session_hostkey(s), known_hostkey(login)))
		return 0;
	return err_set(err, ERR_HOSTKEY,
		       "%s shows another host key than a moment ago; nothing "
		       "was sent",
		       login->name);
}

static int further_session(struct ssh_login *login, struct ssh_link *link,
			   struct mono deadline, struct err *err)
{
	struct known_hosts known = { .name = NULL };
	AUTO_FREE char *line = NULL;
	int rc;

	/* of the host's keys, ask for the one that was verified */
	known_hosts_init(&known, "host", "22");
	line = known_hosts_line(&known, known_hostkey(login), false);
	known_hosts_add(&known, "", line, strlen(line));
	rc = connect_link(login, link, &known, &deadline, err);
	known_hosts_free(&known);
	if (rc < 0 || same_hostkey(login, link->session, err) < 0)
		return -1;
	return ssh_auth_login(link->session, &login->config, NULL,
			      &login->credential, NULL, deadline, err);
}

/* --- both ---------------------------------------------------------------- */

static void link_failed(struct ssh_link *link, struct err *err)
{
	if (err && err->kind == ERR_NETWORK)
		ssh_proxy_explain(link->proxy, err);
	ssh_link_close(link);
}

static void log_link(struct ssh_login *login, struct ssh_session *s)
{
	log_debug(login->name, "logged in as %s: %s", login->config.user,
		  ssh_session_algorithms(s));
}

/* Named one by one, as the configuration has them. */
static int refuse_beyond(const struct ssh_login *login, bool *beyond,
			 struct err *err)
{
	AUTO_FREE char *list = strv_join(&login->config.beyond, ", ");

	if (!login->config.beyond.n)
		return 0;
	*beyond = true;
	err_set(err, ERR_USAGE,
		"the ssh configuration for %s has settings that libssh2 does "
		"not follow: %s",
		login->name, list);
	return err_hint(err, "use --ssh openssh");
}

int ssh_login_again(struct ssh_login *login, struct ssh_link *link,
		    struct mono deadline, struct err *err)
{
	*link = (struct ssh_link){ .session = NULL };
	if (further_session(login, link, deadline, err) == 0)
		return 0;
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
	login->name = xstrdup(name);
	login->dial = (struct ssh_dial_options){
		.config_file = xstrdup(opt->ssh_config),
		.interactive = opt->ask != NULL,
	};
	if (ssh_config_read(&login->config, t, opt, deadline, err) == 0 &&
	    refuse_beyond(login, beyond, err) == 0 &&
	    first_session(login, opt, link, beyond, deadline, err) == 0) {
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
	free(login->address);
	ssh_config_free(&login->config);
	free(login->dial.config_file);
	buf_free(&login->hostkey);
	ssh_credential_free(&login->credential);
	free(login);
}
