/* SPDX-License-Identifier: MIT */
/* ssh_limits: which settings of ssh(1) the libssh2 back end does not follow. */
#include "transport/ssh_limits.h"

#include <stdlib.h>
#include <string.h>

#include "transport/base/xalloc.h"

/* ssh_config.c reads them. */
static const char *const followed[] = {
	"host",
	"hostname",
	"port",
	"user",
	"identityfile",
	"identitiesonly",
	"identityagent",
	"userknownhostsfile",
	"globalknownhostsfile",
	"stricthostkeychecking",
	"hashknownhosts",
	"hostkeyalias",
	"proxyjump",
	"proxycommand",
	"connecttimeout",
	"batchmode",
	"pubkeyauthentication",
	"passwordauthentication",
	"kbdinteractiveauthentication",
	"preferredauthentications",
	"numberofpasswordprompts",
	"ciphers",
	"macs",
	"kexalgorithms",
};

/*
 * They are about what we never do (terminals, forwards, sharing), about ways in
 * that we lack and report (ssh_auth.c), about what ssh -G has resolved already,
 * or about what is shown.
 */
static const char *const of_no_meaning[] = {
	/* resolved */
	"canonicaldomains",
	"canonicalizefallbacklocal",
	"canonicalizehostname",
	"canonicalizemaxdots",
	"canonicalizepermittedcnames",
	"ignoreunknown",
	"tag",
	/* ways in */
	"addkeystoagent",
	"enablesshkeysign",
	"gssapiauthentication",
	"gssapiclientidentity",
	"gssapidelegatecredentials",
	"gssapikexalgorithms",
	"gssapikeyexchange",
	"gssapirenewalforcesrekey",
	"gssapiserveridentity",
	"gssapitrustdns",
	"hostbasedacceptedalgorithms",
	"hostbasedauthentication",
	"securitykeyprovider",
	/* certificates are ssh(1)'s */
	"casignaturealgorithms",
	"updatehostkeys",
	/* sessions */
	"channeltimeout",
	"enableescapecommandline",
	"escapechar",
	"forkafterauthentication",
	"localcommand",
	"obscurekeystroketiming",
	"permitlocalcommand",
	"remotecommand",
	"requesttty",
	"sendenv",
	"sessiontype",
	"setenv",
	"stdinnull",
	/* forwards */
	"clearallforwardings",
	"dynamicforward",
	"exitonforwardfailure",
	"forwardagent",
	"forwardx11",
	"forwardx11timeout",
	"forwardx11trusted",
	"gatewayports",
	"localforward",
	"permitremoteopen",
	"remoteforward",
	"streamlocalbindmask",
	"streamlocalbindunlink",
	"tunnel",
	"tunneldevice",
	"xauthlocation",
	/* sharing */
	"controlmaster",
	"controlpath",
	"controlpersist",
	/* the connection, not who is at its end */
	"compression",
	"connectionattempts",
	"ipqos",
	"serveralivecountmax",
	"serveraliveinterval",
	"tcpkeepalive",
	/* what is shown */
	"fingerprinthash",
	"loglevel",
	"logverbose",
	"syslogfacility",
	"visualhostkey",
	"warnweakcrypto",
};

static bool is_among(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcasecmp(names[i], name))
			return true;
	}
	return false;
}

static bool has_line(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (const char *at = strstr(text, line); at; at = strstr(at, line)) {
		if ((at == text || at[-1] == '\n') &&
		    (!at[len] || at[len] == '\n'))
			return true;
		at += len;
	}
	return false;
}

static void read_line(struct strv *beyond, const char *line, const char *usual)
{
	AUTO_FREE char *key = xstrndup(line, strcspn(line, " "));

	if (!*key || is_among(followed, ARRAY_SIZE(followed), key) ||
	    is_among(of_no_meaning, ARRAY_SIZE(of_no_meaning), key) ||
	    has_line(usual, line))
		return;
	strv_push(beyond, line);
}

void ssh_limits_read(struct strv *beyond, const char *text, const char *usual)
{
	AUTO_FREE char *copy = xstrdup(text);
	char *save = NULL;

	for (char *line = strtok_r(copy, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		read_line(beyond, line, usual);
}

/* %% is one that was meant; ssh_config_expand() leaves what it has not. */
static bool is_open(const char *path)
{
	return strstr(path, "${") || strchr(path, '%');
}

static void check_paths(struct strv *beyond, const char *key,
			const struct strv *paths, bool absolute)
{
	for (size_t i = 0; i < paths->n; i++) {
		if (is_open(paths->v[i]) || (absolute && *paths->v[i] != '/'))
			strv_pushf(beyond, "%s %s", key, paths->v[i]);
	}
}

void ssh_limits_paths(struct ssh_config *c)
{
	check_paths(&c->beyond, "identityfile", &c->identities, false);
	check_paths(&c->beyond, "userknownhostsfile", &c->user_known_hosts,
		    true);
	check_paths(&c->beyond, "globalknownhostsfile", &c->global_known_hosts,
		    true);
	if (c->agent && is_open(c->agent))
		strv_pushf(&c->beyond, "identityagent %s", c->agent);
}
