/* SPDX-License-Identifier: MIT */
/* lessons: what earlier migrations from this host to one other taught. */
#include "engine/state/lessons.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/state/state_dir.h"
#include "qmp/json.h"
#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

enum { MOST_BYTES = 4096 };

static const double most_of_them = 0.8, half_of_them = 0.5;
static const double most_ms = 60000, most_bps = 1e13;

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
	AUTO_FD int fd =
		open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char text[MOST_BYTES];
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	n = read(fd, text, sizeof(text));
	return n > 0 ? json_parse(text, (size_t)n, NULL) : NULL;
}

static double number(struct json_at at, const char *key, double most)
{
	double x = 0;

	(void)json_opt_double(at, key, &x, NULL);
	return x > 0 && x < most ? x : 0;
}

void lessons_load(struct lessons *p, const char *state, const char *machine)
{
	AUTO_FREE char *dir = state_dir_lessons(state);
	AUTO_FREE char *path = NULL;
	AUTO_JSON struct json_object *o = NULL;
	struct json_at all = { 0 }, at;

	*p = (struct lessons){ 0 };
	if (!is_plain(machine))
		return;
	path = xasprintf("%s/%s", dir, machine);
	o = read_file(path);
	if (!o || json_opt_array((struct json_at){ o, path }, "lessons", &all,
				 NULL) < 0)
		return;
	for (size_t i = 0; i < json_length(all); i++) {
		if (json_index(all, i, &at, NULL) < 0)
			continue;
		lessons_learn(p, &(struct lesson){
					 number(at, "fixed_ms", most_ms),
					 number(at, "overhead_ms", most_ms),
					 number(at, "link_bps", most_bps) });
	}
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

static struct json_object *lesson_json(const struct lesson *l)
{
	struct json_object *o = json_new();

	o = json_add_num(o, "fixed_ms", l->fixed_ms, 3);
	o = json_add_num(o, "overhead_ms", l->overhead_ms, 3);
	return json_add_num(o, "link_bps", l->link_bps, 0);
}

int lessons_save(const struct lessons *p, const char *state,
		 const char *machine, struct err *err)
{
	AUTO_FREE char *dir = state_dir_lessons(state);
	AUTO_FREE char *path = xasprintf("%s/%s", dir, machine);
	AUTO_FREE char *new = xasprintf("%s/.new-XXXXXX", dir);
	AUTO_FREE char *text = NULL;
	AUTO_JSON struct json_object *o = json_add_u64(json_new(), "v", 1);
	struct json_object *all = json_object_new_array();

	for (size_t i = 0; i < p->n; i++)
		json_object_array_add(all, lesson_json(&p->v[i]));
	o = json_add_sub(o, "lessons", all);
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

void lessons_learn(struct lessons *p, const struct lesson *lesson)
{
	if (!(lesson->fixed_ms > 0 || lesson->overhead_ms > 0 ||
	      lesson->link_bps > 0))
		return;
	if (p->n == LESSONS_KEPT)
		memmove(p->v, p->v + 1, (--p->n) * sizeof(*p->v));
	p->v[p->n++] = *lesson;
}

void lessons_forget(struct lessons *p)
{
	size_t worst = 0;

	if (!p->n)
		return;
	for (size_t i = 1; i < p->n; i++) {
		if (p->v[i].fixed_ms > p->v[worst].fixed_ms)
			worst = i;
	}
	memmove(p->v + worst, p->v + worst + 1,
		(--p->n - worst) * sizeof(*p->v));
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double fixed_of(const struct lesson *l)
{
	return l->fixed_ms;
}

static double overhead_of(const struct lesson *l)
{
	return l->overhead_ms;
}

static double link_of(const struct lesson *l)
{
	return l->link_bps;
}

static size_t all_of(const struct lessons *p,
		     double (*of)(const struct lesson *l),
		     double out[LESSONS_KEPT])
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		double x = of(&p->v[i]);

		if (x > 0)
			out[n++] = x;
	}
	return n;
}

/* What a @share of the known ones is within. */
static double within(const struct lessons *p,
		     double (*of)(const struct lesson *l), double share)
{
	double sorted[LESSONS_KEPT];
	size_t n = all_of(p, of, sorted);

	if (!n)
		return 0;
	qsort(sorted, n, sizeof(*sorted), by_size);
	return sorted[(size_t)ceil((double)n * share) - 1];
}

double lessons_fixed_ms(const struct lessons *p)
{
	return within(p, fixed_of, most_of_them);
}

double lessons_overhead_ms(const struct lessons *p)
{
	return within(p, overhead_of, most_of_them);
}

double lessons_link_bps(const struct lessons *p)
{
	return within(p, link_of, half_of_them);
}

double lessons_worst_fixed_ms(const struct lessons *p)
{
	double all[LESSONS_KEPT], worst = 0;
	size_t n = all_of(p, fixed_of, all);

	for (size_t i = 0; i < n; i++)
		worst = all[i] > worst ? all[i] : worst;
	return n ? worst * (1 + 1 / (double)n) : 0;
}

size_t lessons_links_bps(const struct lessons *p, double out[LESSONS_KEPT])
{
	return all_of(p, link_of, out);
}

struct lesson lessons_middle(const struct lessons *p)
{
	return (struct lesson){
		.fixed_ms = within(p, fixed_of, half_of_them),
		.overhead_ms = within(p, overhead_of, half_of_them),
		.link_bps = lessons_link_bps(p),
	};
}

struct lesson lessons_likely(const struct lessons *p,
			     const struct lesson *usual)
{
	struct lessons all = *p;

	lessons_learn(&all, usual);
	return lessons_middle(&all);
}

double lessons_fixed_of(double blackout_ms, double copied_bytes, double bps,
			double least_ms)
{
	double copying_ms = bps > 0 ? copied_bytes / bps * 1e3 : 0;

	return fmax(blackout_ms - copying_ms, least_ms);
}
