/* SPDX-License-Identifier: MIT */
/* ssh_hostkey: is the host the one we know? */
#include "transport/ssh_hostkey.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transport/base/xalloc.h"
#include "transport/ssh_file.h"

void ssh_hostkey_load(struct known_hosts *k, const struct ssh_config *c)
{
	const char *host = c->hostkey_alias ? c->hostkey_alias : c->hostname;

	known_hosts_init(k, host, c->hostkey_alias ? "22" : c->port);
	for (size_t i = 0; i < c->known_hosts.n; i++) {
		AUTO_BUF struct buf text = { .base = NULL };
		const char *file = c->known_hosts.v[i];

		if (ssh_file_read(file, &text) == 0)
			known_hosts_add(k, file, buf_data(&text));
	}
}

/* --- which types to ask for ---------------------------------------------- */

/* Key exchange names of one key type, best first. */
static const struct {
	const char *type;
	const char *names[3];
} algorithms[] = {
	{ "ssh-ed25519", { "ssh-ed25519" } },
	{ "ecdsa-sha2-nistp256", { "ecdsa-sha2-nistp256" } },
	{ "ecdsa-sha2-nistp384", { "ecdsa-sha2-nistp384" } },
	{ "ecdsa-sha2-nistp521", { "ecdsa-sha2-nistp521" } },
	{ "ssh-rsa", { "rsa-sha2-512", "rsa-sha2-256", "ssh-rsa" } },
};

static void push_supported(struct strv *prefs, size_t i, const char **supported,
			   int n)
{
	for (size_t j = 0; j < ARRAY_SIZE(algorithms[i].names); j++) {
		const char *name = algorithms[i].names[j];

		for (int s = 0; name && s < n; s++) {
			if (!strcmp(name, supported[s]) &&
			    !strv_has(prefs, name))
				strv_push(prefs, name);
		}
	}
}

int ssh_hostkey_prefer(LIBSSH2_SESSION *raw, const struct known_hosts *k,
		       struct err *err)
{
	AUTO_STRV struct strv types = { .v = NULL }, prefs = { .v = NULL };
	AUTO_FREE char *text = NULL;
	const char **supported = NULL;
	int n = libssh2_session_supported_algs(raw, LIBSSH2_METHOD_HOSTKEY,
					       &supported);

	known_hosts_types(k, &types);
	for (int on_file = 1; on_file >= 0; on_file--) {
		for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
			if (strv_has(&types, algorithms[i].type) == on_file)
				push_supported(&prefs, i, supported, n);
		}
	}
	if (n > 0)
		libssh2_free(raw, supported);
	text = strv_join(&prefs, ",");
	if (libssh2_session_method_pref(raw, LIBSSH2_METHOD_HOSTKEY, text))
		return err_set(err, ERR_INTERNAL,
			       "libssh2 knows no host key type of %s", text);
	return 0;
}

struct ssh_bytes ssh_hostkey_offered(LIBSSH2_SESSION *raw)
{
	size_t len = 0;
	int type;
	const char *key = libssh2_session_hostkey(raw, &len, &type);

	return (struct ssh_bytes){ (const unsigned char *)key, len };
}

/* --- a new key ----------------------------------------------------------- */

/* A file that ends without a newline would swallow our line. */
static bool needs_newline(int fd)
{
	struct stat st;
	char last;

	return fstat(fd, &st) == 0 && st.st_size > 0 &&
	       pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n';
}

static void make_parent(const char *path)
{
	AUTO_FREE char *copy = xstrdup(path);

	(void)mkdir(dirname(copy), 0700);
}

/* One write(2) in append mode: other writers' lines stay whole. */
static int append_line(const char *path, const char *line, struct err *err)
{
	AUTO_FREE char *text = NULL;
	AUTO_FD int fd = -1;
	ssize_t n;

	make_parent(path);
	fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, errno, "cannot open %s", path);
	text = xasprintf("%s%s", needs_newline(fd) ? "\n" : "", line);
	n = write(fd, text, strlen(text));
	if (n < 0)
		return err_sys(err, errno, "cannot write %s", path);
	if ((size_t)n != strlen(text))
		return err_sys(err, ENOSPC, "cannot write %s", path);
	return fdatasync(fd) < 0 && errno != EINVAL
		       ? err_sys(err, errno, "cannot write %s", path)
		       : 0;
}

static int accept_key(const struct known_hosts *k, const struct ssh_config *c,
		      const char *type, struct ssh_bytes offered,
		      struct err *err)
{
	AUTO_FREE char *line = known_hosts_line(k, type, offered);

	if (!c->known_hosts.n)
		return err_set(err, ERR_HOSTKEY,
			       "there is no known_hosts file to add it to");
	return append_line(c->known_hosts.v[0], line, err);
}

/* --- verdicts ------------------------------------------------------------ */

struct offer {
	const struct known_hosts *known;
	const struct ssh_config *config;
	const char *host;
	const char *type;
	char *fingerprint;
};

static char *on_file(const struct known_hosts_key *key)
{
	struct buf blob = key->blob;
	AUTO_FREE char *fingerprint = ssh_fingerprint((struct ssh_bytes){
		(const unsigned char *)buf_data(&blob), buf_len(&blob) });

	return xasprintf("%s %s (%s:%u)", key->type, fingerprint, key->file,
			 key->line);
}

static int say_revoked(const struct offer *o, const struct known_hosts_key *key,
		       struct err *err)
{
	err_set(err, ERR_HOSTKEY,
		"the host key of %s, %s %s, is revoked by %s:%u", o->host,
		o->type, o->fingerprint, key->file, key->line);
	return err_hint(err, "do not use this host until whoever revoked the "
			     "key has given it a new one");
}

static int say_changed(const struct offer *o, const struct known_hosts_key *key,
		       struct err *err)
{
	AUTO_FREE char *known = on_file(key);

	err_set(err, ERR_HOSTKEY,
		"the host key of %s has changed: it offers %s %s, on file is "
		"%s. Somebody may be in between; nothing was sent",
		o->host, o->type, o->fingerprint, known);
	return err_hint(err,
			"if the change is known to be right: "
			"ssh-keygen -f '%s' -R '%s'",
			key->file, o->known->name);
}

/* Keys are on file, but none of the type that came out of the exchange. */
static int say_other_type(const struct offer *o, const struct strv *types,
			  struct err *err)
{
	AUTO_FREE char *list = strv_join(types, ", ");
	bool rsa_only = types->n == 1 && !strcmp(types->v[0], "ssh-rsa");
	bool unknown_only = true;

	for (size_t i = 0; i < types->n; i++) {
		for (size_t j = 0; j + 1 < ARRAY_SIZE(algorithms); j++) {
			if (!strcmp(types->v[i], algorithms[j].type))
				unknown_only = false;
		}
	}
	err_set(err, unknown_only ? ERR_CRYPTO : ERR_HOSTKEY,
		"the host key of %s cannot be checked: on file is only %s, "
		"%s; it offers %s %s",
		o->host, list,
		rsa_only ? "which libssh2 " LIBSSH2_VERSION
			   " can check by SHA-1 only and servers refuse that"
			 : "which did not come out of the key exchange",
		o->type, o->fingerprint);
	return err_hint(err,
			"use --ssh openssh, or add the other key "
			"after comparing its fingerprint on the host: "
			"ssh-keyscan -p %s %s",
			o->config->port, o->config->hostname);
}

static int say_unknown(const struct offer *o, struct err *err)
{
	err_set(err, ERR_HOSTKEY,
		"the host key of %s is not known: it offers %s %s", o->host,
		o->type, o->fingerprint);
	return err_hint(err,
			"compare it with the output of \"ssh-keygen -lf "
			"/etc/ssh/ssh_host_*_key.pub\" on the host, then use "
			"--accept-new-host-key");
}

static int verdict(const struct offer *o, struct ssh_bytes offered,
		   bool accept_new, struct err *err)
{
	AUTO_STRV struct strv types = { .v = NULL };
	const struct known_hosts_key *key;

	switch (known_hosts_check(o->known, o->type, offered, &key)) {
	case KNOWN_HOSTS_MATCH:
		return 0;
	case KNOWN_HOSTS_REVOKED:
		return say_revoked(o, key, err);
	case KNOWN_HOSTS_CHANGED:
		return say_changed(o, key, err);
	case KNOWN_HOSTS_UNKNOWN:
		break;
	}
	known_hosts_types(o->known, &types);
	if (types.n)
		return say_other_type(o, &types, err);
	if (accept_new)
		return accept_key(o->known, o->config, o->type, offered, err);
	return say_unknown(o, err);
}

int ssh_hostkey_verify(const struct known_hosts *k, const struct ssh_config *c,
		       const char *host, struct ssh_bytes offered,
		       bool accept_new, struct err *err)
{
	AUTO_FREE char *type = offered.data ? ssh_blob_type(offered) : NULL;
	struct offer o = {
		.known = k,
		.config = c,
		.host = host,
		.type = type,
	};
	int rc;

	if (!type)
		return err_set(err, ERR_HOSTKEY, "%s offers no host key", host);
	o.fingerprint = ssh_fingerprint(offered);
	rc = verdict(&o, offered, accept_new, err);
	free(o.fingerprint);
	return rc;
}
