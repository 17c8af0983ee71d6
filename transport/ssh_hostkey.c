/* SPDX-License-Identifier: MIT */
/* ssh_hostkey: is the host the one we know? */
#include "transport/ssh_hostkey.h"

#include <stdlib.h>
#include <string.h>

#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/known_hosts_file.h"

/* ssh(1) asks without end; a program that answers nonsense would not end. */
enum { ASK_TRIES = 10 };

int ssh_hostkey_load(struct known_hosts *k, const struct ssh_config *c,
		     struct err *err)
{
	const char *host = c->hostkey_alias ? c->hostkey_alias : c->hostname;

	known_hosts_init(k, host, c->hostkey_alias ? "22" : c->port);
	if (known_hosts_file_read(k, &c->user_known_hosts, err) < 0)
		return -1;
	return known_hosts_file_read(k, &c->global_known_hosts, err);
}

/* --- which types to ask for ---------------------------------------------- */

/* In ssh(1)'s order. */
static const struct algorithm {
	const char *name, *type;
} algorithms[] = {
	{ "ssh-ed25519", "ssh-ed25519" },
	{ "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256" },
	{ "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384" },
	{ "ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521" },
	{ "rsa-sha2-512", "ssh-rsa" },
	{ "rsa-sha2-256", "ssh-rsa" },
};

/*
 * Types on file come first, unless the best of all is on file: then the order
 * stays.
 */
char *ssh_hostkey_algorithms(const struct known_hosts *k)
{
	AUTO_STRV struct strv types = { .v = NULL }, names = { .v = NULL };
	bool reorder;

	known_hosts_types(k, &types);
	reorder = !strv_has(&types, algorithms[0].type);
	for (int on_file = 1; on_file >= 0; on_file--) {
		for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
			const struct algorithm *a = &algorithms[i];
			bool first = !reorder || strv_has(&types, a->type);

			if (first == on_file)
				strv_push(&names, a->name);
		}
	}
	return strv_join(&names, ",");
}

/* Whether a key of @type could have come out of the exchange. */
static bool was_asked_for(const char *asked, const char *type)
{
	AUTO_FREE char *list = xasprintf(",%s,", asked);

	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
		AUTO_FREE char *item = xasprintf(",%s,", algorithms[i].name);

		if (!strcmp(algorithms[i].type, type) && strstr(list, item))
			return true;
	}
	return false;
}

/* --- a new key ----------------------------------------------------------- */

static int add_key(const struct known_hosts *k, const struct ssh_config *c,
		   const struct ssh_hostkey_offer *offer,
		   const struct host_options *opt, struct err *err)
{
	AUTO_FREE char *line =
		known_hosts_line(k, offer->key, c->hash_known_hosts);
	const char *path = c->user_known_hosts.v[0];
	AUTO_FREE char *text = NULL;

	if (!line)
		return err_set(err, ERR_HOSTKEY,
			       "%s is no name for a known_hosts file", k->name);
	if (known_hosts_file_append(path, line, err) < 0)
		return -1;
	text = xasprintf("added the host key of %s to %s", k->name, path);
	if (opt->notify)
		opt->notify(opt->arg, HOST_NOTE_KEY, text);
	return 0;
}

/* --- what an error says -------------------------------------------------- */

/* A key as messages show it. */
struct shown {
	char *type;
	char *fingerprint;
};

static void shown_init(struct shown *s, struct ssh_bytes key)
{
	s->type = ssh_blob_type(key);
	s->fingerprint = ssh_fingerprint(key);
}

static void shown_fini(struct shown *s)
{
	free(s->type);
	free(s->fingerprint);
}

static char *on_file(const struct known_hosts_key *key)
{
	struct buf blob = key->blob;
	AUTO_FREE char *fingerprint = ssh_fingerprint((struct ssh_bytes){
		(const unsigned char *)buf_data(&blob), buf_len(&blob) });

	return xasprintf("%s %s (%s:%u)", key->type, fingerprint, key->file,
			 key->line);
}

static void say_revoked(const char *host, const struct shown *s,
			const struct known_hosts_key *key, struct err *err)
{
	err_set(err, ERR_HOSTKEY,
		"the host key of %s, %s %s, is revoked by %s:%u", host, s->type,
		s->fingerprint, key->file, key->line);
	err_hint(err, "do not use this host until whoever revoked the key has "
		      "given it a new one");
}

static void say_changed(const struct known_hosts *k, const char *host,
			const struct shown *s,
			const struct known_hosts_key *key, struct err *err)
{
	AUTO_FREE char *known = on_file(key);

	err_set(err, ERR_HOSTKEY,
		"the host key of %s has changed: it offers %s %s, on file is "
		"%s. Somebody may be in between; nothing was sent",
		host, s->type, s->fingerprint, known);
	err_hint(err,
		 "if the change is known to be right: ssh-keygen -f '%s' -R "
		 "'%s'",
		 key->file, k->name);
}

static void hint_strict(const struct ssh_config *c, struct err *err)
{
	if (c->strict == SSH_STRICT_NO)
		err_hint(err, "StrictHostKeyChecking no is not supported for "
			      "such a key; --ssh openssh goes on in spite of "
			      "it");
}

/* Keys are on file, but none that this exchange could have led to. */
static void say_unsupported(const char *host, const struct shown *s,
			    const char *type, struct err *err)
{
	bool rsa = !strcmp(type, "ssh-rsa");

	err_set(err, ERR_HOSTKEY,
		"the host key of %s cannot be checked: on file is %s, %s; it "
		"offers %s %s",
		host, type,
		rsa ? "which this libssh2 can check by SHA-1 only"
		    : "of which libssh2 knows nothing",
		s->type, s->fingerprint);
	err_hint(err, "use --ssh openssh");
}

static void say_certified(const char *host, const struct known_hosts_key *key,
			  struct err *err)
{
	bool revoked = key && key->mark == KNOWN_HOSTS_REVOKED_KEY;

	err_set(err, ERR_HOSTKEY, "libssh2 does not support host certificates");
	if (key)
		err_wrap(err, ERR_HOSTKEY, "%s:%u %s", key->file, key->line,
			 revoked ? "revokes a key that may be an authority's"
				 : "names an authority");
	err_wrap(err, ERR_HOSTKEY, "the host key of %s cannot be checked",
		 host);
	err_hint(err, "use --ssh openssh");
}

static void say_unknown(const struct known_hosts *k, const struct ssh_config *c,
			const struct ssh_hostkey_offer *offer,
			const struct shown *s, struct err *err)
{
	err_set(err, ERR_HOSTKEY,
		"the host key of %s is not known: it offers %s %s", offer->host,
		s->type, s->fingerprint);
	if (!c->user_known_hosts.n)
		err_hint(err, "UserKnownHostsFile is none, so that no key can "
			      "be added: name a file with --known-hosts");
	else
		err_hint(err,
			 "compare it with the output of \"ssh-keygen -lf "
			 "/etc/ssh/ssh_host_*_key.pub\" on the host, then use "
			 "--accept-new-host-key (%s)",
			 k->name);
}

/* --- verdicts ------------------------------------------------------------ */

static enum ssh_hostkey_verdict judge_unknown(const struct known_hosts *k,
					      const struct ssh_config *c,
					      struct ssh_bytes key)
{
	AUTO_FREE char *line = known_hosts_line(k, key, false);

	if (!line || !c->user_known_hosts.n || c->strict == SSH_STRICT_YES)
		return SSH_HOSTKEY_REFUSED;
	if (c->strict == SSH_STRICT_ACCEPT_NEW || c->strict == SSH_STRICT_NO)
		return SSH_HOSTKEY_NEW;
	return c->batch ? SSH_HOSTKEY_REFUSED : SSH_HOSTKEY_ASK;
}

/* A type on file that could not be asked for; NULL: none. Borrowed. */
static const char *unsupported_type(const struct known_hosts *k,
				    const struct ssh_hostkey_offer *offer)
{
	const char *found = NULL;

	for (size_t i = 0; i < k->n && !found; i++) {
		const struct known_hosts_key *key = &k->keys[i];

		if (key->exact && key->mark == KNOWN_HOSTS_KEY &&
		    !was_asked_for(offer->algorithms, key->type))
			found = key->type;
	}
	return found;
}

/* A certificate of another type than the key that it came to. */
static bool has_other_certificate(const char *has, const char *type)
{
	AUTO_FREE char *copy = xstrdup(has);
	char *save = NULL;

	for (char *name = strtok_r(copy, ",", &save); name;
	     name = strtok_r(NULL, ",", &save)) {
		const char *suffix = strstr(name, "-cert-v");
		size_t len = suffix ? (size_t)(suffix - name) : 0;
		bool rsa = !strncmp(name, "rsa-sha2-", 9);

		if (suffix && !(rsa && !strcmp(type, "ssh-rsa")) &&
		    (strlen(type) != len || strncmp(name, type, len) != 0))
			return true;
	}
	return false;
}

/*
 * Whether the host's certificates decide: ssh(1) asks for them first. Without
 * an authority on file they come down to their keys, one for each type. *mark:
 * the line behind it, or NULL.
 */
static bool is_certified(const struct known_hosts *k,
			 const struct ssh_hostkey_offer *offer,
			 const char *type, const struct known_hosts_key **mark)
{
	*mark = known_hosts_certified(k, offer->key);
	if (!offer->has)
		return *mark;
	return strstr(offer->has, "-cert-v") &&
	       (*mark || has_other_certificate(offer->has, type));
}

static enum ssh_hostkey_verdict judge(const struct known_hosts *k,
				      const struct ssh_config *c,
				      const struct ssh_hostkey_offer *offer,
				      const struct shown *s, bool *beyond,
				      struct err *err)
{
	const struct known_hosts_key *why, *mark;
	enum known_hosts_verdict on_file;
	enum ssh_hostkey_verdict verdict;
	const char *type;

	on_file = known_hosts_check(k, offer->key, &why);
	type = unsupported_type(k, offer);
	verdict = judge_unknown(k, c, offer->key);
	if (on_file == KNOWN_HOSTS_REVOKED) {
		say_revoked(offer->host, s, why, err);
		hint_strict(c, err);
	} else if (is_certified(k, offer, s->type, &mark)) {
		*beyond = true;
		say_certified(offer->host, mark, err);
	} else if (on_file == KNOWN_HOSTS_MATCH) {
		return SSH_HOSTKEY_KNOWN;
	} else if (on_file == KNOWN_HOSTS_CHANGED && type) {
		*beyond = true;
		say_unsupported(offer->host, s, type, err);
	} else if (on_file == KNOWN_HOSTS_CHANGED) {
		say_changed(k, offer->host, s, why, err);
		hint_strict(c, err);
	} else if (verdict != SSH_HOSTKEY_REFUSED) {
		return verdict;
	} else {
		say_unknown(k, c, offer, s, err);
	}
	return SSH_HOSTKEY_REFUSED;
}

enum ssh_hostkey_verdict
ssh_hostkey_judge(const struct known_hosts *k, const struct ssh_config *c,
		  const struct ssh_hostkey_offer *offer, bool *beyond,
		  struct err *err)
{
	enum ssh_hostkey_verdict verdict;
	struct shown s;

	*beyond = false;
	shown_init(&s, offer->key);
	if (!s.type) {
		err_set(err, ERR_HOSTKEY, "%s offers no host key", offer->host);
		verdict = SSH_HOSTKEY_REFUSED;
	} else if (!was_asked_for(offer->algorithms, s.type)) {
		err_set(err, ERR_HOSTKEY,
			"%s offers a host key of a type that was not asked "
			"for, %s",
			offer->host, s.type);
		err_hint(err, "no server does that by mistake: find out who "
			      "answers in its place");
		verdict = SSH_HOSTKEY_REFUSED;
	} else {
		verdict = judge(k, c, offer, &s, beyond, err);
	}
	shown_fini(&s);
	return verdict;
}

/* --- asking -------------------------------------------------------------- */

static char *question(const struct known_hosts *k,
		      const struct ssh_hostkey_offer *offer,
		      const struct shown *s)
{
	return xasprintf("The authenticity of host '%s (%s)' can't be "
			 "established.\n%s key fingerprint is %s.\nAre you "
			 "sure you want to continue connecting "
			 "(yes/no/[fingerprint])? ",
			 k->name,
			 offer->address ? offer->address : "behind a proxy",
			 s->type, s->fingerprint);
}

/* 1: yes, 0: no, -1: neither. */
static int understand(char *answer, const char *fingerprint)
{
	answer += strspn(answer, " \t");
	answer[strcspn(answer, " \t\r\n")] = '\0';
	if (!*answer || !strcasecmp(answer, "no"))
		return 0;
	if (!strcasecmp(answer, "yes") || !strcmp(answer, fingerprint))
		return 1;
	return -1;
}

static bool confirm(const char *text, const char *fingerprint,
		    const struct host_options *opt)
{
	int agreed = -1;

	for (int i = 0; i < ASK_TRIES && agreed < 0; i++) {
		AUTO_FREE char *answer =
			opt->ask(opt->arg, text, HOST_ASK_OPEN);

		agreed = answer ? understand(answer, fingerprint) : 0;
		text = "Please type 'yes', 'no' or the fingerprint: ";
	}
	return agreed == 1;
}

static int ask_person(const struct known_hosts *k, const struct ssh_config *c,
		      const struct ssh_hostkey_offer *offer,
		      const struct host_options *opt, struct err *err)
{
	AUTO_FREE char *text = NULL;
	struct shown s;
	bool agreed;

	shown_init(&s, offer->key);
	text = question(k, offer, &s);
	agreed = opt->ask && confirm(text, s.fingerprint, opt);
	if (!agreed && task_cancel_asked())
		err_set(err, ERR_CANCELLED, "cancelled");
	else if (!agreed)
		say_unknown(k, c, offer, &s, err);
	shown_fini(&s);
	return agreed ? 0 : -1;
}

int ssh_hostkey_verify(const struct known_hosts *k, const struct ssh_config *c,
		       const struct ssh_hostkey_offer *offer,
		       const struct host_options *opt, bool *beyond,
		       struct err *err)
{
	switch (ssh_hostkey_judge(k, c, offer, beyond, err)) {
	case SSH_HOSTKEY_KNOWN:
		return 0;
	case SSH_HOSTKEY_ASK:
		if (ask_person(k, c, offer, opt, err) < 0)
			return -1;
		break;
	case SSH_HOSTKEY_NEW:
		break;
	default:
		return -1;
	}
	return add_key(k, c, offer, opt, err);
}
