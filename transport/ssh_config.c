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

static void set_field(struct ssh_config *c, const char *key, const char *value)
{
	const struct {
		const char *key;
		char **field;
	} strings[] = {
		{ "hostname", &c->hostname },
		{ "port", &c->port },
		{ "user", &c->user },
		{ "proxyjump", &c->proxy_jump },
		{ "proxycommand", &c->proxy_command },
		{ "hostkeyalias", &c->hostkey_alias },
	};

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		if (!strcmp(key, strings[i].key))
			set_string(strings[i].field, value);
	}
	if (!strcmp(key, "identityfile") && strcmp(value, "none")) {
		strv_push(&c->identities, value);
	} else if (!strcmp(key, "userknownhostsfile") ||
		   !strcmp(key, "globalknownhostsfile")) {
		push_words(&c->known_hosts, value);
	} else if (!strcmp(key, "identitiesonly")) {
		c->identities_only = !strcmp(value, "yes");
	} else if (!strcmp(key, "identityagent")) {
		free(c->agent);
		c->agent = xstrdup(value);
	} else if (!strcmp(key, "connecttimeout")) {
		c->connect_timeout_s = atoi(value);
	}
}

/*
 * The user's files must come first in known_hosts, while ssh prints the global
 * ones first.
 */
static void parse_lines(struct ssh_config *c, const char *text, bool global)
{
	AUTO_FREE char *copy = xstrdup(text);
	char *save = NULL;

	for (char *line = strtok_r(copy, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *value = strchr(line, ' ');

		if (!value)
			continue;
		*value++ = '\0';
		if (!strcmp(line, "globalknownhostsfile") == global)
			set_field(c, line, value);
	}
}

void ssh_config_parse(struct ssh_config *c, const char *text)
{
	parse_lines(c, text, false);
	parse_lines(c, text, true);
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
	strv_push(&c->known_hosts, "~/.ssh/known_hosts");
	strv_push(&c->known_hosts, "/etc/ssh/ssh_known_hosts");
}

void ssh_config_free(struct ssh_config *c)
{
	free(c->hostname);
	free(c->port);
	free(c->user);
	strv_free(&c->identities);
	strv_free(&c->known_hosts);
	free(c->agent);
	free(c->proxy_jump);
	free(c->proxy_command);
	free(c->hostkey_alias);
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

static void ask_argv(struct strv *argv, const struct host_target *t,
		     const struct host_options *opt)
{
	const char *pairs[][2] = {
		{ "-F", opt->ssh_config },
		{ "-l", t->user },
		{ "-p", t->port },
	};

	strv_push(argv, "ssh");
	strv_push(argv, "-G");
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		if (!pairs[i][1])
			continue;
		strv_push(argv, pairs[i][0]);
		strv_push(argv, pairs[i][1]);
	}
	strv_push(argv, "--");
	strv_push(argv, t->host);
}

/* 1 when there is no ssh client here. */
static int ask_ssh(struct ssh_config *c, const struct host_target *t,
		   const struct host_options *opt, struct mono deadline,
		   struct err *err)
{
	AUTO_BUF struct buf out = { .base = NULL }, words = { .base = NULL };
	AUTO_STRV struct strv argv = { .v = NULL };
	AUTO_ERR struct err e = { 0 };
	int status;

	ask_argv(&argv, t, opt);
	if (child_run((const char *const *)strv_argv(&argv), NULL, 0,
		      CONFIG_MAX_OUTPUT, deadline, &status, &out, &words,
		      &e) < 0) {
		if (e.kind == ERR_SYSTEM && !opt->ssh_config)
			return 1;
		err_move(err, &e);
		return err_wrap(err, ERR_NONE,
				"cannot ask ssh -G for the settings of %s",
				t->host);
	}
	if (status) {
		err_set(err, ERR_USAGE, "%s", buf_data(&words));
		return err_wrap(err, ERR_NONE,
				"ssh -G refuses the settings of %s", t->host);
	}
	ssh_config_parse(c, buf_data(&out));
	return 0;
}

static void expand_list(struct ssh_config *c, struct strv *l, const char *name,
			const struct person *p)
{
	for (size_t i = 0; i < l->n; i++) {
		char *old = l->v[i];

		l->v[i] = ssh_config_expand(c, old, name, p->home, p->name);
		free(old);
	}
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

/* The command line outdoes the files. */
static void apply_options(struct ssh_config *c, const struct host_target *t,
			  const struct host_options *opt)
{
	AUTO_STRV struct strv others = c->identities;

	c->identities = (struct strv){ .v = NULL };
	if (opt->identity)
		strv_push(&c->identities, opt->identity);
	strv_push_all(&c->identities, &others);
	if (opt->known_hosts) {
		strv_free(&c->known_hosts);
		strv_push(&c->known_hosts, opt->known_hosts);
	}
	if (t->user)
		set_string(&c->user, t->user);
	if (t->port)
		set_string(&c->port, t->port);
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
	if (rc > 0)
		ssh_config_defaults(c, t->host, p.name);
	if (rc >= 0) {
		expand_list(c, &c->identities, t->host, &p);
		expand_list(c, &c->known_hosts, t->host, &p);
		expand_string(c, &c->agent, t->host, &p);
		expand_string(c, &c->proxy_command, t->host, &p);
		apply_options(c, t, opt);
		rc = 0;
	}
	person_fini(&p);
	return rc;
}
