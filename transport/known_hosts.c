/* SPDX-License-Identifier: MIT */
/* known_hosts: what the user's files say about a host's key. */
#include "transport/known_hosts.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "transport/base/xalloc.h"

enum { SHA1_BYTES = 20 };

static char *lower(char *s)
{
	for (char *p = s; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return s;
}

void known_hosts_init(struct known_hosts *k, const char *host, const char *port)
{
	*k = (struct known_hosts){ .name = NULL };
	if (!strcmp(port, "22")) {
		k->name = lower(xstrdup(host));
		return;
	}
	k->name = lower(xasprintf("[%s]:%s", host, port));
	k->plain_name = lower(xstrdup(host));
}

void known_hosts_free(struct known_hosts *k)
{
	for (size_t i = 0; i < k->n; i++) {
		free(k->keys[i].file);
		free(k->keys[i].type);
		buf_free(&k->keys[i].blob);
	}
	free(k->keys);
	free(k->name);
	free(k->plain_name);
	*k = (struct known_hosts){ .name = NULL };
}

/* --- does a line's first field mean us? ---------------------------------- */

/* ? and *, as in a shell but without its brackets. */
static bool glob_match(const char *pattern, size_t len, const char *s)
{
	while (len && *pattern != '*') {
		if (!*s ||
		    (*pattern != '?' && tolower((unsigned char)*pattern) != *s))
			return false;
		pattern++;
		len--;
		s++;
	}
	if (!len)
		return !*s;
	while (len && *pattern == '*') {
		pattern++;
		len--;
	}
	if (!len)
		return true;
	for (; *s; s++) {
		if (glob_match(pattern, len, s))
			return true;
	}
	return false;
}

/* "a,*.b,!c": a negated pattern that matches outdoes all others. */
static bool list_matches(const char *list, const char *name)
{
	bool found = false;

	while (*list) {
		size_t len = strcspn(list, ",");
		bool negated = *list == '!';

		if (glob_match(list + negated, len - negated, name)) {
			if (negated)
				return false;
			found = true;
		}
		list += len;
		list += *list == ',';
	}
	return found;
}

/* "|1|salt|hash", both base64: HMAC-SHA1 of the name, keyed with the salt. */
static bool hash_matches(const char *field, const char *name)
{
	AUTO_BUF struct buf salt = { .base = NULL }, hash = { .base = NULL };
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int mac_len = 0;
	const char *middle;

	if (strncmp(field, "|1|", 3))
		return false;
	field += 3;
	middle = strchr(field, '|');
	if (!middle ||
	    ssh_base64_decode(&salt, field, (size_t)(middle - field)) < 0 ||
	    ssh_base64_decode(&hash, middle + 1, strlen(middle + 1)) < 0 ||
	    buf_len(&hash) != SHA1_BYTES)
		return false;
	if (!HMAC(EVP_sha1(), buf_data(&salt), (int)buf_len(&salt),
		  (const unsigned char *)name, strlen(name), mac, &mac_len))
		return false;
	return mac_len == SHA1_BYTES && !memcmp(mac, buf_data(&hash), mac_len);
}

static bool field_matches(const char *field, const char *name)
{
	if (!name)
		return false;
	if (*field == '|')
		return hash_matches(field, name);
	return list_matches(field, name);
}

/* --- lines --------------------------------------------------------------- */

/* The next word of *@line, terminated in place; NULL: none. */
static char *next_word(char **line)
{
	char *word = *line + strspn(*line, " \t\r");

	if (!*word)
		return NULL;
	*line = word + strcspn(word, " \t\r");
	if (**line)
		*(*line)++ = '\0';
	return word;
}

static void add_key(struct known_hosts *k, struct known_hosts_key *key)
{
	k->keys = xrealloc(k->keys, k->n + 1, sizeof(*k->keys));
	k->keys[k->n++] = *key;
}

/* A key whose blob is of the type that the line says. */
static int decode_key(struct buf *blob, const char *type, const char *base64)
{
	AUTO_FREE char *inner = NULL;

	if (ssh_base64_decode(blob, base64, strlen(base64)) < 0)
		return -1;
	inner = ssh_blob_type((struct ssh_bytes){
		(const unsigned char *)buf_data(blob), buf_len(blob) });
	return inner && !strcmp(inner, type) ? 0 : -1;
}

static void add_line(struct known_hosts *k, const char *file,
		     unsigned int number, char *line)
{
	struct known_hosts_key key = { .line = number };
	const char *names = next_word(&line), *type, *base64;

	if (!names || *names == '#')
		return;
	if (*names == '@') {
		if (strcmp(names, "@revoked"))
			return;
		key.revoked = true;
		names = next_word(&line);
	}
	type = names ? next_word(&line) : NULL;
	base64 = type ? next_word(&line) : NULL;
	if (!base64)
		return;
	key.exact = field_matches(names, k->name);
	if (!key.exact && !field_matches(names, k->plain_name))
		return;
	if (decode_key(&key.blob, type, base64) < 0) {
		buf_free(&key.blob);
		return;
	}
	key.file = xstrdup(file);
	key.type = xstrdup(type);
	add_key(k, &key);
}

void known_hosts_add(struct known_hosts *k, const char *file, const char *text)
{
	unsigned int number = 0;

	while (*text) {
		size_t len = strcspn(text, "\n");
		AUTO_FREE char *line = xstrndup(text, len);

		add_line(k, file, ++number, line);
		text += len;
		text += *text == '\n';
	}
}

/* --- verdicts ------------------------------------------------------------ */

static bool same_blob(struct known_hosts_key *key, struct ssh_bytes blob)
{
	return ssh_bytes_equal(
		blob,
		(struct ssh_bytes){ (const unsigned char *)buf_data(&key->blob),
				    buf_len(&key->blob) });
}

enum known_hosts_verdict known_hosts_check(const struct known_hosts *k,
					   const char *type,
					   struct ssh_bytes blob,
					   const struct known_hosts_key **why)
{
	enum known_hosts_verdict verdict = KNOWN_HOSTS_UNKNOWN;

	*why = NULL;
	for (size_t i = 0; i < k->n; i++) {
		struct known_hosts_key *key = &k->keys[i];
		bool same = same_blob(key, blob);

		if (key->revoked && same) {
			*why = key;
			return KNOWN_HOSTS_REVOKED;
		}
		if (key->revoked || verdict == KNOWN_HOSTS_MATCH)
			continue;
		if (same) {
			*why = key;
			verdict = KNOWN_HOSTS_MATCH;
		} else if (key->exact && !*why && !strcmp(key->type, type)) {
			*why = key;
			verdict = KNOWN_HOSTS_CHANGED;
		}
	}
	return verdict;
}

void known_hosts_types(const struct known_hosts *k, struct strv *types)
{
	for (size_t i = 0; i < k->n; i++) {
		const struct known_hosts_key *key = &k->keys[i];

		if (key->exact && !key->revoked && !strv_has(types, key->type))
			strv_push(types, key->type);
	}
}

char *known_hosts_line(const struct known_hosts *k, const char *type,
		       struct ssh_bytes blob)
{
	AUTO_FREE char *base64 = ssh_base64_encode(blob);

	return xasprintf("%s %s %s\n", k->name, type, base64);
}
