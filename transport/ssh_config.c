/* SPDX-License-Identifier: MIT */
/* ssh_config: what the user's ssh configuration says about a host. */
#include "transport/ssh_config.h"

#include <errno.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transport/base/buf.h"
#include "transport/base/xalloc.h"
#include "transport/child.h"
#include "transport/ssh_argv.h"
#include "transport/ssh_limits.h"

enum { CONFIG_MAX_OUTPUT = 256 * 1024, PASSWD_BYTES = 16384 };

/* --- parsing ------------------------------------------------------------- */

static void set_string(char **field, const char *value)
{
	free(*field);
	*field = strcmp(value, "none") ? xstrdup(value) : NULL;
}

static void push_words(struct strv *l, const char *value)
{
	AUTO_FREE char *copy = xstrdup(value);
	char *save = NULL;

	for (char *w = strtok_r(copy, " ", &save); w;
	     w = strtok_r(NULL, " ", &save)) {
		if (strcmp(w, "none"))
			strv_push(l, w);
	}
}

static bool is_yes(const char *value)
{
	return !strcmp(value, "yes") || !strcmp(value, "true");
}

static bool is_no(const char *value)
{
	return !strcmp(value, "no") || !strcmp(value, "false");
}

static bool set_string_field(struct ssh_config *c, const char *key,
			     const char *value)
{
	const struct {
		const char *key;
		char **field;
	} fields[] = {
		{ "hostname", &c->hostname },
		{ "port", &c->port },
		{ "user", &c->user },
		{ "proxyjump", &c->proxy_jump },
		{ "proxycommand", &c->proxy_command },
		{ "hostkeyalias", &c->hostkey_alias },
		{ "preferredauthentications", &c->authentications },
		{ "ciphers", &c->ciphers },
		{ "macs", &c->macs },
		{ "kexalgorithms", &c->kex },
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!strcmp(key, fields[i].key)) {
			set_string(fields[i].field, value);
			return true;
		}
	}
	return false;
}

/* @wanted: the value that sets the field. */
static bool set_bool_field(struct ssh_config *c, const char *key,
			   const char *value)
{
	const struct {
		const char *key;
		bool *field;
		bool (*is_wanted)(const char *value);
	} fields[] = {
		{ "hashknownhosts", &c->hash_known_hosts, is_yes },
		{ "identitiesonly", &c->identities_only, is_yes },
		{ "batchmode", &c->batch, is_yes },
		{ "pubkeyauthentication", &c->no_publickey, is_no },
		{ "passwordauthentication", &c->no_password, is_no },
		{ "kbdinteractiveauthentication", &c->no_keyboard_interactive,
		  is_no },
		{ "gssapiauthentication", &c->gssapi, is_yes },
		{ "hostbasedauthentication", &c->hostbased, is_yes },
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!strcmp(key, fields[i].key)) {
			*fields[i].field = fields[i].is_wanted(value);
			return true;
		}
	}
	return false;
}

static enum ssh_strict parse_strict(const char *value)
{
	if (!strcmp(value, "accept-new"))
		return SSH_STRICT_ACCEPT_NEW;
	if (is_no(value) || !strcmp(value, "off"))
		return SSH_STRICT_NO;
	return is_yes(value) ? SSH_STRICT_YES : SSH_STRICT_ASK;
}

static void set_field(struct ssh_config *c, const char *key, const char *value)
{
	if (set_string_field(c, key, value) || set_bool_field(c, key, value))
		return;
	if (!strcmp(key, "identityfile") && strcmp(value, "none")) {
		strv_push(&c->identities, value);
	} else if (!strcmp(key, "userknownhostsfile")) {
		push_words(&c->user_known_hosts, value);
	} else if (!strcmp(key, "globalknownhostsfile")) {
		push_words(&c->global_known_hosts, value);
	} else if (!strcmp(key, "stricthostkeychecking")) {
		c->strict = parse_strict(value);
	} else if (!strcmp(key, "identityagent")) {
		free(c->agent);
		c->agent = xstrdup(value);
	} else if (!strcmp(key, "connecttimeout")) {
		c->connect_timeout_s = atoi(value);
	} else if (!strcmp(key, "numberofpasswordprompts")) {
		c->password_prompts = atoi(value);
	}
}

void ssh_config_parse(struct ssh_config *c, const char *text)
{
	AUTO_FREE char *copy = xstrdup(text);
	char *save = NULL;

	for (char *line = strtok_r(copy, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *value = strchr(line, ' ');

		if (!value)
			continue;
		*value++ = '\0';
		set_field(c, line, value);
	}
}

void ssh_config_defaults(struct ssh_config *c, const char *hostname,
			 const char *user)
{
	c->hostname = xstrdup(hostname);
	c->port = xstrdup("22");
	c->user = xstrdup(user);
	strv_push(&c->identities, "~/.ssh/id_ed25519");
	strv_push(&c->identities, "~/.ssh/id_ecdsa");
	strv_push(&c->identities, "~/.ssh/id_rsa");
	strv_push(&c->user_known_hosts, "~/.ssh/known_hosts");
	strv_push(&c->global_known_hosts, "/etc/ssh/ssh_known_hosts");
}

void ssh_config_free(struct ssh_config *c)
{
	free(c->hostname);
	free(c->port);
	free(c->user);
	strv_free(&c->identities);
	strv_free(&c->user_known_hosts);
	strv_free(&c->global_known_hosts);
	free(c->hostkey_alias);
	free(c->agent);
	free(c->proxy_jump);
	free(c->proxy_command);
	free(c->authentications);
	free(c->ciphers);
	free(c->macs);
	free(c->kex);
	strv_free(&c->beyond);
	*c = (struct ssh_config){ .hostname = NULL };
}

/* --- tokens -------------------------------------------------------------- */

static const char *token_value(const struct ssh_config *c, char token,
			       const char *name, const char *home,
			       const char *local_user)
{
	switch (token) {
	case '%':
		return "%";
	case 'd':
		return home;
	case 'h':
		return c->hostname;
	case 'n':
		return name;
	case 'p':
		return c->port;
	case 'r':
		return c->user;
	case 'u':
		return local_user;
	default:
		return NULL;
	}
}

char *ssh_config_expand(const struct ssh_config *c, const char *text,
			const char *name, const char *home,
			const char *local_user)
{
	AUTO_BUF struct buf b = { .base = NULL };

	if (text[0] == '~' && (text[1] == '/' || !text[1])) {
		buf_printf(&b, "%s", home);
		text++;
	}
	for (; *text; text++) {
		const char *value = NULL;

		if (text[0] == '%')
			value = token_value(c, text[1], name, home, local_user);
		if (value) {
			buf_printf(&b, "%s", value);
			text++;
		} else {
			buf_append(&b, text, 1);
		}
	}
	return buf_steal(&b);
}

/* --- asking ssh ---------------------------------------------------------- */

/* As ssh(1) does, not by $HOME and $USER. */
struct person {
	char *home;
	char *name;
};

static int person_init(struct person *p, struct err *err)
{
	AUTO_FREE char *space = xmalloc(PASSWD_BYTES);
	struct passwd pw, *found = NULL;
	int rc = getpwuid_r(getuid(), &pw, space, PASSWD_BYTES, &found);

	if (!found)
		return err_sys(err, rc ? rc : ENOENT,
			       "no account here has the user id %u", getuid());
	p->home = xstrdup(pw.pw_dir);
	p->name = xstrdup(pw.pw_name);
	return 0;
}

static void person_fini(struct person *p)
{
	free(p->home);
	free(p->name);
}

/*
 * The command is none that would be run: without one, ssh refuses settings that
 * need it.
 */
static int run_ssh(const struct strv *options, const char *host,
		   struct mono deadline, struct buf *out, struct err *err)
{
	AUTO_STRV struct strv argv = { .v = NULL };
	AUTO_BUF struct buf words = { .base = NULL };
	int status;

	strv_push(&argv, "ssh");
	strv_push(&argv, "-G");
	strv_push(&argv, "-o");
	strv_push(&argv, "RemoteCommand=none");
	strv_push_all(&argv, options);
	strv_push(&argv, "--");
	strv_push(&argv, host);
	strv_push(&argv, "true");
	if (child_run((const char *const *)strv_argv(&argv), NULL, 0,
		      CONFIG_MAX_OUTPUT, deadline, &status, out, &words,
		      err) < 0)
		return err_wrap(err, ERR_NONE,
				"cannot ask ssh -G for the settings of %s",
				host);
	if (!status)
		return 0;
	err_set(err, ERR_USAGE, "%s", buf_data(&words));
	return err_wrap(err, ERR_NONE, "ssh -G refuses the settings of %s",
			host);
}

/* What this ssh(1) does where nothing is configured. */
static int ask_defaults(const char *host, struct mono deadline, struct buf *out,
			struct err *err)
{
	AUTO_STRV struct strv options = { .v = NULL };

	strv_push(&options, "-F");
	strv_push(&options, "none");
	return run_ssh(&options, host, deadline, out, err);
}

/* 1 when there is no ssh client here. */
static int ask_ssh(struct ssh_config *c, const struct host_target *t,
		   const struct host_options *opt, struct mono deadline,
		   struct err *err)
{
	AUTO_BUF struct buf text = { .base = NULL }, usual = { .base = NULL };
	AUTO_STRV struct strv options = { .v = NULL };
	AUTO_ERR struct err e = { 0 };

	ssh_argv_login(&options, t, opt);
	if (run_ssh(&options, t->host, deadline, &text, &e) < 0 ||
	    ask_defaults(t->host, deadline, &usual, &e) < 0) {
		if (err_has(&e, ERR_SYSTEM) && !opt->ssh_config)
			return 1;
		err_move(err, &e);
		return -1;
	}
	ssh_config_parse(c, buf_data(&text));
	ssh_limits_read(&c->beyond, buf_data(&text), buf_data(&usual));
	return 0;
}

static void expand_string(struct ssh_config *c, char **s, const char *name,
			  const struct person *p)
{
	char *old = *s;

	if (!old)
		return;
	*s = ssh_config_expand(c, old, name, p->home, p->name);
	free(old);
}

static void expand_list(struct ssh_config *c, struct strv *l, const char *name,
			const struct person *p)
{
	for (size_t i = 0; i < l->n; i++)
		expand_string(c, &l->v[i], name, p);
}

/* Where no ssh(1) was asked; the command line comes before the usual. */
static void apply_options(struct ssh_config *c, const struct host_target *t,
			  const struct host_options *opt)
{
	if (t->user)
		set_string(&c->user, t->user);
	if (t->port)
		set_string(&c->port, t->port);
	c->batch = !opt->ask;
	if (opt->accept_new_host_key)
		c->strict = SSH_STRICT_ACCEPT_NEW;
	if (opt->identity) {
		strv_free(&c->identities);
		strv_push(&c->identities, opt->identity);
	}
}

/* ssh -G shows blanks in names as they are. */
static void apply_known_hosts(struct ssh_config *c, const char *path)
{
	if (!path)
		return;
	strv_free(&c->user_known_hosts);
	strv_free(&c->global_known_hosts);
	strv_push(&c->user_known_hosts, path);
}

int ssh_config_read(struct ssh_config *c, const struct host_target *t,
		    const struct host_options *opt, struct mono deadline,
		    struct err *err)
{
	struct person p = { .home = NULL };
	int rc;

	if (person_init(&p, err) < 0)
		return -1;
	rc = ask_ssh(c, t, opt, deadline, err);
	if (rc > 0) {
		ssh_config_defaults(c, t->host, p.name);
		apply_options(c, t, opt);
	}
	if (rc >= 0) {
		expand_list(c, &c->identities, t->host, &p);
		expand_list(c, &c->user_known_hosts, t->host, &p);
		expand_list(c, &c->global_known_hosts, t->host, &p);
		expand_string(c, &c->agent, t->host, &p);
		expand_string(c, &c->proxy_command, t->host, &p);
		apply_known_hosts(c, opt->known_hosts);
		ssh_limits_paths(c);
		rc = 0;
	}
	person_fini(&p);
	return rc;
}
