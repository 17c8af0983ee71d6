/* SPDX-License-Identifier: MIT */
/*
 * preflight_missing: what is missing on the destination because a directory is.
 *
 * Findings about paths of which one and the same directory is missing are one
 * problem: they get the topmost such directory as their cause.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/run/preflight.h"
#include "engine/run/reach.h"
#include "transport/base/log.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"

static bool is_in_question(const struct check *c)
{
	return c->path && *c->path == '/' && c->verdict == CHECK_FAIL;
}

/* The directories above @path; "/a/b/" is in /a and /a/b. */
static void add_above(struct strv *dirs, const char *path)
{
	const char *slash = strchr(path + 1, '/');

	for (; slash; slash = strchr(slash + 1, '/')) {
		AUTO_FREE char *dir = xstrndup(path, (size_t)(slash - path));

		if (!strv_has(dirs, dir))
			strv_push(dirs, dir);
	}
}

static bool is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return !strncmp(path, dir, n) && path[n] == '/';
}

const char *preflight_missing_above(const char *path, const struct strv *dirs,
				    const struct probe_file *found)
{
	const char *top = NULL;

	for (size_t i = 0; i < dirs->n; i++) {
		if (!found[i].exists && is_below(path, dirs->v[i]) &&
		    (!top || strlen(dirs->v[i]) < strlen(top)))
			top = dirs->v[i];
	}
	return top;
}

/* Of one finding alone the finding says enough. */
static void set_causes(struct preflight *p, const struct strv *dirs,
		       const struct probe_file *found)
{
	struct checks *list = &p->r->checks;
	AUTO_FREE const char **tops = xcalloc(list->n, sizeof(*tops));

	for (size_t i = 0; i < list->n; i++) {
		if (is_in_question(&list->v[i]))
			tops[i] = preflight_missing_above(list->v[i].path, dirs,
							  found);
	}
	for (size_t i = 0; i < list->n; i++) {
		size_t same = 0;

		for (size_t k = 0; tops[i] && k < list->n; k++)
			same += tops[k] == tops[i];
		if (same > 1)
			list->v[i].cause = xasprintf("%s does not exist on %s",
						     tops[i],
						     host_name(p->r->dst.host));
	}
}

int preflight_missing_ask(struct preflight *p, struct err *err)
{
	const struct run *r = p->r;
	AUTO_STRV struct strv dirs = { .v = NULL };
	AUTO_FREE struct probe_file *found = NULL;
	AUTO_ERR struct err e = { 0 };
	struct as_user user;
	size_t n = 0;

	for (size_t i = 0; i < r->checks.n; i++) {
		if (!is_in_question(&r->checks.v[i]))
			continue;
		add_above(&dirs, r->checks.v[i].path);
		n++;
	}
	if (n < 2 || !dirs.n)
		return 0;
	found = xcalloc(dirs.n, sizeof(*found));
	if (probe_files(r->dst.host, &dirs,
			reach_guest_user(r, r->dst.facts.uid, &user), found,
			mono_in_ms(RUN_SCRIPT_MS), &e) == 0) {
		set_causes(p, &dirs, found);
		return 0;
	}
	if (err_has(&e, ERR_CANCELLED)) {
		err_move(err, &e);
		return -1;
	}
	log_info(host_name(r->dst.host), "missing directories: %s", e.message);
	return 0;
}
