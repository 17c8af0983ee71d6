/* SPDX-License-Identifier: MIT */
/* argv_secret: the secrets in one option. */
#include "engine/argv/argv_secret.h"

#include <stdlib.h>
#include <string.h>

#include "engine/argv/argv_opt.h"
#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

#define BLANK "***"

/*
 * Keys that hold a secret in any option; the last dotted component counts. A
 * serial number is read by the guest: images are configured with it.
 */
static bool secret_key(const char *key)
{
	static const char *const keys[] = { "password",		 "passwd",
					    "x509-key-password", "cookie",
					    "proxy-password",	 "serial" };
	const char *dot = strrchr(key, '.');

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!strcmp(dot ? dot + 1 : key, keys[i]))
			return true;
	}
	return false;
}

static bool is(const struct argv_item *it, const char *name)
{
	return !strcmp(it->def->name, name);
}

static bool is_secret(const struct argv_item *it, const struct argv_opt *o,
		      size_t i)
{
	const char *key = argv_opt_key(o, i);
	const char *value = o->v[i].value;

	if (secret_key(key)) /* "password=on" only asks for one */
		return strcmp(value, "on") != 0 && strcmp(value, "off") != 0;
	if (is(it, "object"))
		return argv_opt_is(o, "qom-type", "secret") &&
		       !strcmp(key, "data");
	if (is(it, "fw_cfg"))
		return !strcmp(key, "string");
	/* a string for the guest, credentials and configuration among them */
	return is(it, "smbios") && !strcmp(key, "value");
}

/*
 * "scheme://user:password@host": the password's place, or NULL. iSCSI has a
 * percent sign there.
 */
static const char *url_password(const char *text, size_t *len)
{
	const char *at = strstr(text, "://");
	const char *colon;
	size_t authority;

	if (!at)
		return NULL;
	at += 3;
	authority = strcspn(at, "/?#");
	while (authority && at[authority - 1] != '@')
		authority--;
	colon = memchr(at, ':', authority);
	if (!colon && !strncmp(text, "iscsi", 5))
		colon = memchr(at, '%', authority);
	if (!authority || !colon)
		return NULL;
	*len = (size_t)(at + authority - 1 - (colon + 1));
	return colon + 1;
}

/* "rbd:pool/image:id=x:key=SECRET:…": the key's place, or NULL. */
static const char *rbd_key(const char *text, size_t *len)
{
	const char *at = strncmp(text, "rbd:", 4) ? NULL
						  : strstr(text, ":key=");

	if (!at)
		return NULL;
	at += 5;
	*len = strcspn(at, ":");
	return at;
}

/* The place of a secret within @text, or NULL. */
static const char *secret_inside(const char *text, size_t *len)
{
	const char *at = url_password(text, len);

	return at ? at : rbd_key(text, len);
}

/* The length of the first word; a blank between double quotes is part of it. */
static size_t word_length(const char *text)
{
	bool quoted = false;
	size_t n = 0;

	for (; text[n] && (quoted || text[n] != ' '); n++)
		quoted ^= text[n] == '"';
	return n;
}

/*
 * The place of a secret in a kernel's command line @text: the value of a word
 * that is called after one ("db.password=x", "API_TOKEN=x"), or NULL.
 */
static const char *word_secret(const char *text, size_t *len)
{
	static const char *const parts[] = { "pass",	   "secret", "token",
					     "credential", "key",    "luks",
					     "auth",	   "private" };

	while (*(text += strspn(text, " "))) {
		size_t word = word_length(text), key = strcspn(text, " =");

		for (size_t i = 0; key < word && i < ARRAY_SIZE(parts); i++) {
			AUTO_FREE char *name = xstrndup(text, key);

			if (!strcasestr(name, parts[i]))
				continue;
			*len = word - key - 1;
			return text + key + 1;
		}
		text += word;
	}
	return NULL;
}

/* @text without the secret inside, to be freed; NULL: there is none. */
static char *blank_inside(const char *text)
{
	size_t len = 0;
	const char *at = secret_inside(text, &len);

	if (!at)
		return NULL;
	return xasprintf("%.*s" BLANK "%s", (int)(at - text), text, at + len);
}

/* @text without the secrets in its words, to be freed. */
static char *blank_words(const char *text)
{
	struct buf b = { .base = NULL };
	const char *at;
	size_t len = 0;

	while ((at = word_secret(text, &len))) {
		buf_append(&b, text, (size_t)(at - text));
		buf_printf(&b, BLANK);
		text = at + len;
	}
	buf_printf(&b, "%s", text);
	return buf_steal(&b);
}

char *argv_secret_blank_name(const char *name)
{
	char *blanked = name ? blank_inside(name) : NULL;

	return blanked ? blanked : xstrdup(name);
}

static char *blank_options(const struct argv_item *it)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };

	argv_opt_init(&o, it->value, it->def->implied);
	for (size_t i = 0; i < o.n; i++) {
		AUTO_FREE char *inside = NULL;

		if (!o.v[i].value)
			continue;
		if (is_secret(it, &o, i)) {
			argv_opt_set_at(&o, i, BLANK);
			continue;
		}
		inside = blank_inside(o.v[i].value);
		if (inside)
			argv_opt_set_at(&o, i, inside);
	}
	return argv_opt_text(&o);
}

char *argv_secret_blank(const struct argv_item *it)
{
	char *inside;

	if (!it->value)
		return NULL;
	if (it->def && it->def->syntax == ARGV_SYNTAX_OPT)
		return blank_options(it);
	if (it->def && is(it, "append"))
		return blank_words(it->value);
	inside = blank_inside(it->value);
	return inside ? inside : xstrdup(it->value);
}

/* --- in what others say -------------------------------------------------- */

/* Shorter ones would take ordinary words away with them. */
enum { SECRET_MIN = 4 };

/* Puts @with in place of each @what in *@text. */
static void replace(char **text, const char *what, const char *with)
{
	struct buf b = { .base = NULL };
	const char *rest = *text;
	const char *at;

	while ((at = strstr(rest, what))) {
		buf_append(&b, rest, (size_t)(at - rest));
		buf_append(&b, with, strlen(with));
		rest = at + strlen(what);
	}
	buf_append(&b, rest, strlen(rest));
	free(*text);
	*text = buf_steal(&b);
}

static void hide(char **text, const char *secret, size_t len)
{
	AUTO_FREE char *what = xstrndup(secret, len);

	if (len >= SECRET_MIN)
		replace(text, what, BLANK);
}

static void hide_words(char **text, const char *value)
{
	const char *at;
	size_t len = 0;

	while ((at = word_secret(value, &len))) {
		hide(text, at, len);
		value = at + len;
	}
}

static void hide_inside(char **text, const char *value)
{
	size_t len = 0;
	const char *at = secret_inside(value, &len);

	if (at)
		hide(text, at, len);
}

/* A message may quote a whole option or its values alone. */
void argv_secret_hide(char **text, const struct argv_item *it)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };
	AUTO_FREE char *blanked = argv_secret_blank(it);

	if (!blanked || !strcmp(blanked, it->value))
		return;
	replace(text, it->value, blanked);
	if (it->def && is(it, "append")) {
		hide_words(text, it->value);
		return;
	}
	if (!it->def || it->def->syntax != ARGV_SYNTAX_OPT) {
		hide_inside(text, it->value);
		return;
	}
	argv_opt_init(&o, it->value, it->def->implied);
	for (size_t i = 0; i < o.n; i++) {
		const char *value = o.v[i].value;

		if (value && is_secret(it, &o, i))
			hide(text, value, strlen(value));
		else if (value)
			hide_inside(text, value);
	}
}
