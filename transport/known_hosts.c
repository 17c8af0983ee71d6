/* SPDX-License-Identifier: MIT */
/* known_hosts: what the user's files say about a host's key. */
#include "transport/known_hosts.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "transport/base/xalloc.h"

/* A longer pattern makes the whole list match nothing, in ssh(1) as well. */
enum { SHA1_BYTES = 20, PATTERN_MAX = 1022 };

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
	const char *end = pattern + len, *star = NULL, *retry = s;

	while (*s || (pattern < end && *pattern == '*')) {
		if (pattern < end && *pattern == '*') {
			star = ++pattern;
			retry = s;
		} else if (pattern < end &&
			   (*pattern == '?' ||
			    tolower((unsigned char)*pattern) == *s)) {
			pattern++;
			s++;
		} else if (star) {
			pattern = star;
			s = ++retry;
		} else {
			return false;
		}
	}
	return pattern == end;
}

/* "a,*.b,!c": a negated pattern that matches outdoes all others. */
static bool list_matches(const char *list, const char *name)
{
	bool found = false;

	while (*list) {
		size_t len = strcspn(list, ",");
		bool negated = *list == '!';

		if (len - negated > PATTERN_MAX)
			return false;
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
static bool hash_name(unsigned char mac[SHA1_BYTES], const void *salt,
		      const char *name)
{
	unsigned int len = 0;

	return HMAC(EVP_sha1(), salt, SHA1_BYTES, (const unsigned char *)name,
		    strlen(name), mac, &len) &&
	       len == SHA1_BYTES;
}

static bool hash_matches(const char *field, const char *name)
{
	AUTO_BUF struct buf salt = { .base = NULL }, hash = { .base = NULL };
	unsigned char mac[SHA1_BYTES];
	const char *middle;

	if (strncmp(field, "|1|", 3))
		return false;
	field += 3;
	middle = strchr(field, '|');
	if (!middle ||
	    ssh_base64_decode(&salt, field, (size_t)(middle - field)) < 0 ||
	    ssh_base64_decode(&hash, middle + 1, strlen(middle + 1)) < 0 ||
	    buf_len(&salt) != SHA1_BYTES || buf_len(&hash) != SHA1_BYTES)
		return false;
	return hash_name(mac, buf_data(&salt), name) &&
	       !memcmp(mac, buf_data(&hash), SHA1_BYTES);
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

/* What the blob of a type holds behind its name. */
static const struct shape {
	const char *type;
	const char *curve;    /* the first string, or NULL: none such */
	unsigned int strings; /* so many of them follow, and nothing else */
	size_t first_bytes;   /* of the first of those; 0: not empty */
} shapes[] = {
	{ "ssh-ed25519", NULL, 1, 32 },
	{ "ecdsa-sha2-nistp256", "nistp256", 1, 0 },
	{ "ecdsa-sha2-nistp384", "nistp384", 1, 0 },
	{ "ecdsa-sha2-nistp521", "nistp521", 1, 0 },
	{ "ssh-rsa", NULL, 2, 0 },
	{ "ssh-dss", NULL, 4, 0 },
	{ "sk-ssh-ed25519@openssh.com", NULL, 2, 32 },
	{ "sk-ecdsa-sha2-nistp256@openssh.com", "nistp256", 2, 0 },
};

static bool fits(const struct shape *shape, struct ssh_bytes blob)
{
	struct ssh_bytes s;

	if (ssh_take_string(&blob, &s) < 0)
		return false;
	if (shape->curve &&
	    (ssh_take_string(&blob, &s) < 0 || !ssh_bytes_are(s, shape->curve)))
		return false;
	for (unsigned int i = 0; i < shape->strings; i++) {
		if (ssh_take_string(&blob, &s) < 0 || !s.len)
			return false;
		if (!i && shape->first_bytes && s.len != shape->first_bytes)
			return false;
	}
	return !blob.len;
}

/* A key of a type that is new to us counts: ssh(1) may know it. */
static bool is_sound(const char *type, struct ssh_bytes blob)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		if (!strcmp(type, shapes[i].type))
			return fits(&shapes[i], blob);
	}
	return true;
}

/* A key whose blob is of the type that the line says. */
static int decode_key(struct buf *blob, const char *type, const char *base64)
{
	AUTO_FREE char *inner = NULL;
	struct ssh_bytes bytes;

	if (ssh_base64_decode(blob, base64, strlen(base64)) < 0)
		return -1;
	bytes = (struct ssh_bytes){ (const unsigned char *)buf_data(blob),
				    buf_len(blob) };
	inner = ssh_blob_type(bytes);
	return inner && !strcmp(inner, type) && is_sound(type, bytes) ? 0 : -1;
}

static int parse_mark(const char *word, enum known_hosts_mark *mark)
{
	if (!strcmp(word, "@revoked"))
		*mark = KNOWN_HOSTS_REVOKED_KEY;
	else if (!strcmp(word, "@cert-authority"))
		*mark = KNOWN_HOSTS_AUTHORITY;
	else
		return -1;
	return 0;
}

static void add_line(struct known_hosts *k, const char *file,
		     unsigned int number, char *line)
{
	struct known_hosts_key key = { .line = number };
	const char *names = next_word(&line), *type, *base64;

	if (!names || *names == '#')
		return;
	if (*names == '@') {
		if (parse_mark(names, &key.mark) < 0)
			return;
		names = next_word(&line);
	}
	type = names ? next_word(&line) : NULL;
	base64 = type ? next_word(&line) : NULL;
	if (!base64)
		return;
	key.exact = field_matches(names, k->name);
	key.plain = field_matches(names, k->plain_name);
	if (!key.exact && !key.plain)
		return;
	if (decode_key(&key.blob, type, base64) < 0) {
		buf_free(&key.blob);
		return;
	}
	key.file = xstrdup(file);
	key.type = xstrdup(type);
	add_key(k, &key);
}

/* A line with a NUL ends there, and the file goes on. */
void known_hosts_add(struct known_hosts *k, const char *file, const char *text,
		     size_t len)
{
	unsigned int number = 0;

	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;
		AUTO_FREE char *line = xstrndup(text, n);

		add_line(k, file, ++number, line);
		n += end != NULL;
		text += n;
		len -= n;
	}
}

/* --- verdicts ------------------------------------------------------------ */

static bool same_blob(const struct known_hosts_key *key, struct ssh_bytes blob)
{
	struct buf view = key->blob;

	return ssh_bytes_equal(
		blob,
		(struct ssh_bytes){ (const unsigned char *)buf_data(&view),
				    buf_len(&view) });
}

static const struct known_hosts_key *
find_revoked(const struct known_hosts *k, struct ssh_bytes blob, bool same)
{
	for (size_t i = 0; i < k->n; i++) {
		if (k->keys[i].mark == KNOWN_HOSTS_REVOKED_KEY &&
		    same_blob(&k->keys[i], blob) == same)
			return &k->keys[i];
	}
	return NULL;
}

/* Of several other keys the first of the same type explains most. */
static enum known_hosts_verdict check_name(const struct known_hosts *k,
					   struct ssh_bytes blob, bool plain,
					   const struct known_hosts_key **why)
{
	AUTO_FREE char *type = ssh_blob_type(blob);

	*why = NULL;
	for (size_t i = 0; i < k->n; i++) {
		const struct known_hosts_key *key = &k->keys[i];
		bool same_type = type && !strcmp(key->type, type);

		if (key->mark != KNOWN_HOSTS_KEY ||
		    !(plain ? key->plain : key->exact))
			continue;
		if (same_blob(key, blob)) {
			*why = key;
			return KNOWN_HOSTS_MATCH;
		}
		if (!*why || (same_type && strcmp((*why)->type, type) != 0))
			*why = key;
	}
	return *why ? KNOWN_HOSTS_CHANGED : KNOWN_HOSTS_UNKNOWN;
}

enum known_hosts_verdict known_hosts_check(const struct known_hosts *k,
					   struct ssh_bytes blob,
					   const struct known_hosts_key **why)
{
	enum known_hosts_verdict verdict;

	*why = find_revoked(k, blob, true);
	if (*why)
		return KNOWN_HOSTS_REVOKED;
	verdict = check_name(k, blob, false, why);
	if (verdict != KNOWN_HOSTS_UNKNOWN || !k->plain_name)
		return verdict;
	if (check_name(k, blob, true, why) == KNOWN_HOSTS_MATCH)
		return KNOWN_HOSTS_MATCH;
	*why = NULL;
	return KNOWN_HOSTS_UNKNOWN;
}

const struct known_hosts_key *known_hosts_certified(const struct known_hosts *k,
						    struct ssh_bytes blob)
{
	const struct known_hosts_key *why;

	/* without its certificate the host would pass by its key */
	if (known_hosts_check(k, blob, &why) != KNOWN_HOSTS_MATCH) {
		for (size_t i = 0; i < k->n; i++) {
			if (k->keys[i].mark == KNOWN_HOSTS_AUTHORITY)
				return &k->keys[i];
		}
	}
	return find_revoked(k, blob, false);
}

void known_hosts_types(const struct known_hosts *k, struct strv *types)
{
	for (size_t i = 0; i < k->n; i++) {
		const struct known_hosts_key *key = &k->keys[i];

		if (key->exact && key->mark == KNOWN_HOSTS_KEY &&
		    !strv_has(types, key->type))
			strv_push(types, key->type);
	}
}

/* --- new lines ----------------------------------------------------------- */

static char *hide_name(const char *name)
{
	unsigned char salt[SHA1_BYTES], mac[SHA1_BYTES];
	AUTO_FREE char *a = NULL, *b = NULL;

	if (RAND_bytes(salt, sizeof(salt)) != 1 || !hash_name(mac, salt, name))
		return NULL;
	a = ssh_base64_encode((struct ssh_bytes){ salt, sizeof(salt) });
	b = ssh_base64_encode((struct ssh_bytes){ mac, sizeof(mac) });
	return xasprintf("|1|%s|%s", a, b);
}

char *known_hosts_line(const struct known_hosts *k, struct ssh_bytes blob,
		       bool hashed)
{
	const char *host = k->plain_name ? k->plain_name : k->name;
	AUTO_FREE char *base64 = ssh_base64_encode(blob);
	AUTO_FREE char *type = ssh_blob_type(blob);
	AUTO_FREE char *hidden = NULL;

	if (host[strcspn(host, "@?*#[]|'\"\\, \t\n")])
		return NULL;
	if (hashed)
		hidden = hide_name(k->name);
	if (!type || (hashed && !hidden))
		return NULL;
	return xasprintf("%s %s %s\n", hashed ? hidden : k->name, type, base64);
}
