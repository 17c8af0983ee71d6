/* SPDX-License-Identifier: MIT */
/* disk_facts: what a file that a disk lies in is on a host. */
#include "engine/hosts/disk_facts.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "engine/hosts/admit.h"
#include "engine/hosts/hand_over.h"
#include "engine/hosts/identity.h"
#include "engine/hosts/probe.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/quote.h"

extern const char disk_facts_sh[];

/* --- answers -------------------------------------------------------------- */

static void mount_free(struct disk_mount *m)
{
	free(m->type);
	free(m->source);
	free(m->root);
	free(m->point);
	free(m->options);
}

void disk_facts_free(struct disk_facts *f)
{
	free(f->base);
	free(f->id);
	free(f->samples);
	mount_free(&f->mount);
	*f = (struct disk_facts){ .type = '-' };
}

void disk_mounts_free(struct disk_mounts *m)
{
	for (size_t i = 0; i < m->n; i++)
		mount_free(&m->v[i]);
	free(m->v);
	free(m->boot);
	*m = (struct disk_mounts){ .n = 0 };
}

/* Splits @line at blanks; returns how many words there are, @max at most. */
static size_t split(char *line, char **words, size_t max)
{
	size_t n = 0;
	char *word;

	while (n < max && (word = strsep(&line, " ")))
		words[n++] = word;
	return line ? max + 1 : n;
}

static bool read_number(const char *word, int base, uint64_t *out)
{
	char *end;

	if (!isxdigit((unsigned char)*word))
		return false;
	*out = strtoull(word, &end, base);
	return !*end;
}

static char *word_or_null(const char *word)
{
	return strcmp(word, "-") != 0 ? xstrdup(word) : NULL;
}

static bool read_nonce(const char *word, enum disk_nonce *out)
{
	static const char *const words[] = {
		[DISK_NONCE_NONE] = "-",	  [DISK_NONCE_MADE] = "made",
		[DISK_NONCE_REFUSED] = "refused", [DISK_NONCE_SEEN] = "seen",
		[DISK_NONCE_UNSEEN] = "unseen",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!strcmp(words[i], word)) {
			*out = (enum disk_nonce)i;
			return true;
		}
	}
	return false;
}

static void take_mount(struct disk_mount *m, char *const words[5])
{
	*m = (struct disk_mount){
		.type = xstrdup(words[0]),
		.source = xstrdup(words[1]),
		.root = xstrdup(words[2]),
		.point = xstrdup(words[3]),
		.options = words[4] ? word_or_null(words[4]) : NULL,
	};
}

enum { FACT_WORDS = 17 };

static bool read_words(char *const w[FACT_WORDS], struct disk_facts *f)
{
	enum { FUSE_MAGIC = 0x65735546 };
	uint64_t magic;

	if (strlen(w[0]) != 1 || !strchr("fbdo", *w[0]) ||
	    !read_number(w[1], 10, &f->device) ||
	    !read_number(w[2], 10, &f->inode) ||
	    !read_number(w[3], 10, &f->bytes) ||
	    sscanf(w[4], "%x:%x", &f->major, &f->minor) != 2 ||
	    !read_number(w[5], 10, &f->born_ns) ||
	    !read_number(w[6], 16, &magic) || !read_nonce(w[7], &f->nonce))
		return false;
	f->type = *w[0];
	f->fuse = magic == FUSE_MAGIC;
	return true;
}

int disk_facts_parse(char *line, struct disk_facts *out)
{
	char *w[FACT_WORDS];

	*out = (struct disk_facts){ .type = '-' };
	if (!strcmp(line, "-"))
		return 0;
	if (split(line, w, FACT_WORDS) != FACT_WORDS || !read_words(w, out)) {
		*out = (struct disk_facts){ .type = '-' };
		return -1;
	}
	out->base = xstrdup(w[8]);
	out->is_mount = !strcmp(w[9], "over");
	out->id = word_or_null(w[10]);
	out->samples = word_or_null(w[11]);
	take_mount(&out->mount, w + 12);
	return 0;
}

static void add_mount(struct disk_mounts *all, char *line)
{
	char *w[6] = { NULL };

	if (split(line, w, 5) != 5)
		return;
	all->v = xrealloc(all->v, all->n + 1, sizeof(*all->v));
	all->boot = xrealloc(all->boot, all->n + 1, sizeof(*all->boot));
	all->boot[all->n] = !strcmp(w[0], "fstab");
	take_mount(&all->v[all->n++], w + 1);
}

/* --- questions ------------------------------------------------------------ */

void disk_facts_make_nonce(char word[DISK_NONCE_WORD])
{
	unsigned char bytes[(DISK_NONCE_WORD - 1) / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		abort();
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(word + 2 * i, 3, "%02x", bytes[i]);
}

char *disk_facts_records(const char *state)
{
	return xasprintf("%s/nonces", state);
}

static void begin(struct buf *script, const struct disk_asker *a)
{
	static const char *const jobs[] = {
		[DISK_NONCE_LOOK] = "look",
		[DISK_NONCE_MAKE] = "make",
		[DISK_NONCE_SEE] = "see",
	};
	const char *nonce = a->nonce ? a->nonce : "";
	AUTO_FREE char *record =
		xasprintf("%s/nonces/%s", a->state ? a->state : "", nonce);
	AUTO_FREE char *name = xasprintf(".vmferry-%s", nonce);

	as_user_assign(script, a->user);
	quote_assign(script, "job", jobs[a->job]);
	quote_assign(script, "nonce", name);
	quote_assign(script, "record", record);
	quote_assign(script, "sample", a->sample ? "yes" : "");
	buf_printf(script, "%s%s%s%s%s%s%s", admit_sh, as_user_sh,
		   identity_match_sh, file_mark_sh, hand_over_sh, disk_nonce_sh,
		   disk_facts_sh);
}

static int take_answers(struct host *h, char *next, struct disk_facts *out,
			size_t n, struct disk_mounts *mounts, struct err *err)
{
	char *line;

	for (size_t i = 0; i < n; i++) {
		line = strsep(&next, "\n");
		if (!line || !next || disk_facts_parse(line, &out[i]) < 0)
			return err_set(err, ERR_REMOTE,
				       "%s gave no answer to what file %zu of "
				       "%zu is",
				       host_name(h), i + 1, n);
	}
	while (mounts && (line = strsep(&next, "\n")))
		add_mount(mounts, line);
	return 0;
}

int disk_facts_ask(struct host *h, const struct disk_asker *asker,
		   const struct strv *paths, struct disk_facts *out,
		   struct disk_mounts *mounts, struct mono deadline,
		   struct err *err)
{
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf text = { 0 };

	for (size_t i = 0; i < paths->n; i++)
		out[i] = (struct disk_facts){ .type = '-' };
	if (!paths->n)
		return 0;
	begin(&script, asker);
	for (size_t i = 0; i < paths->n; i++) {
		buf_printf(&script, "disk ");
		quote_word(&script, paths->v[i]);
		buf_printf(&script, "\n");
	}
	buf_printf(&script, "%sexit 0\n", mounts ? "mounts\n" : "");
	if (probe_script(h, "disk", buf_data(&script), &text, deadline, err) <
	    0)
		return -1;
	return take_answers(h, buf_data(&text), out, paths->n, mounts, err);
}

int disk_facts_remove_nonce(struct host *h, const struct disk_asker *asker,
			    struct mono deadline, struct err *err)
{
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf text = { 0 };

	begin(&script, asker);
	buf_printf(&script, "nonce_remove \"$record\" || {\n"
			    "echo \"a file $nonce stays\" >&2; exit 1; }\n");
	return probe_script(h, "disk", buf_data(&script), &text, deadline, err);
}

char *disk_facts_hash(struct host *h, const struct as_user *user,
		      const char *path, unsigned int seconds,
		      struct mono deadline)
{
	const struct disk_asker asker = { .user = user };
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf text = { 0 };

	begin(&script, &asker);
	buf_printf(&script, "hash_of %u ", seconds);
	quote_word(&script, path);
	buf_printf(&script, "\nexit 0\n");
	if (probe_script(h, "disk", buf_data(&script), &text, deadline, NULL) <
		    0 ||
	    buf_len(&text) != 65 ||
	    strspn(buf_data(&text), "0123456789abcdef") != 64)
		return NULL;
	return xstrndup(buf_data(&text), 64);
}
