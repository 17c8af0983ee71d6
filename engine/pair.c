/* SPDX-License-Identifier: MIT */
/* pair: what earlier migrations from this host to one other taught. */
#include "engine/pair.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qmp/json.h"
#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

enum { MOST_BYTES = 4096 };

static const double reckoned_share = 0.8;
static const double most_ms = 60000;

/* A machine id as systemd has it, or a host's name: a file's name, too. */
static bool is_plain(const char *machine)
{
	return machine && *machine && *machine != '.' &&
	       !machine[strspn(machine, "abcdefghijklmnopqrstuvwxyz"
					"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"0123456789.-_")];
}

/* --- the file ------------------------------------------------------------ */

static struct json_object *read_file(const char *path)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char text[MOST_BYTES];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	return n > 0 ? json_parse(text, (size_t)n, NULL) : NULL;
}

void pair_load(struct pair *p, const char *dir, const char *machine)
{
	AUTO_FREE char *path = NULL;
	AUTO_JSON struct json_object *o = NULL;
	struct json_object *all;

	*p = (struct pair){ 0 };
	if (!is_plain(machine))
		return;
	path = xasprintf("%s/%s", dir, machine);
	o = read_file(path);
	if (!json_object_object_get_ex(o, "fixed_ms", &all) ||
	    !json_object_is_type(all, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(all); i++)
		pair_learn(p, json_object_get_double(
				      json_object_array_get_idx(all, i)));
}

static int write_whole(char *path, const char *text, struct err *err)
{
	AUTO_FD int fd = mkostemp(path, O_CLOEXEC);
	size_t len = strlen(text);

	if (fd < 0)
		return err_sys(err, errno, "cannot make %s", path);
	if (write(fd, text, len) == (ssize_t)len)
		return 0;
	err_sys(err, errno, "cannot write %s", path);
	(void)unlink(path);
	return -1;
}

int pair_save(const struct pair *p, const char *dir, const char *machine,
	      struct err *err)
{
	AUTO_FREE char *path = xasprintf("%s/%s", dir, machine);
	AUTO_FREE char *new = xasprintf("%s/.new-XXXXXX", dir);
	AUTO_FREE char *text = NULL;
	AUTO_JSON struct json_object *o = json_add_u64(json_new(), "v", 1);
	struct json_object *all = json_object_new_array();

	for (size_t i = 0; i < p->n; i++)
		json_object_array_add(all,
				      json_object_new_double(p->fixed_ms[i]));
	o = json_add_sub(o, "fixed_ms", all);
	text = json_line(o);
	if (!is_plain(machine))
		return err_set(err, ERR_SYSTEM,
			       "the destination has no machine id to be "
			       "remembered by");
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return err_sys(err, errno, "cannot make %s", dir);
	if (write_whole(new, text, err) < 0)
		return -1;
	if (rename(new, path) == 0)
		return 0;
	err_sys(err, errno, "cannot replace %s", path);
	(void)unlink(new);
	return -1;
}

/* --- lessons ------------------------------------------------------------- */

void pair_learn(struct pair *p, double fixed_ms)
{
	if (!(fixed_ms > 0 && fixed_ms < most_ms))
		return;
	if (p->n == PAIR_KEPT)
		memmove(p->fixed_ms, p->fixed_ms + 1,
			(--p->n) * sizeof(*p->fixed_ms));
	p->fixed_ms[p->n++] = fixed_ms;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double pair_fixed_ms(const struct pair *p, double unknown)
{
	double sorted[PAIR_KEPT];

	if (!p->n)
		return unknown;
	memcpy(sorted, p->fixed_ms, p->n * sizeof(*sorted));
	qsort(sorted, p->n, sizeof(*sorted), by_size);
	return sorted[(size_t)ceil((double)p->n * reckoned_share) - 1];
}

double pair_fixed_of(double blackout_ms, double copied_bytes, double bps,
		     double least_ms)
{
	double copying_ms = bps > 0 ? copied_bytes / bps * 1e3 : 0;

	return fmax(blackout_ms - copying_ms, least_ms);
}
