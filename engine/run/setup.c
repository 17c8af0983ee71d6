/* SPDX-License-Identifier: MIT */
/* setup: the guardian, and the caller's own limits, before anything changes. */
#include "engine/run/setup.h"

#include <string.h>

#include "engine/run/guard.h"
#include "engine/run/migrate_options.h"
#include "engine/run/run.h"
#include "engine/run/unit_hold.h"
#include "engine/state/state_dir.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"

/* Where files of the source are made or removed until the end. */
static void report_set_up(const struct run *r)
{
	const struct argv_moves *m = &r->source.guest.moves;
	AUTO_STRV struct strv dirs = { 0 };
	AUTO_FREE char *lessons = state_dir_lessons(run_state(r));
	AUTO_FREE char *recordings = state_dir_recordings(run_state(r));
	AUTO_FREE char *moved = state_dir_moved(run_state(r));
	AUTO_FREE char *arrived = state_dir_arrived(r->src.facts.state_root);
	AUTO_FREE char *away = state_dir_away(r->src.facts.state_root);

	strv_push(&dirs, r->src.facts.run_root);
	strv_pushf(&dirs, "%s/..", r->held.record_dir);
	/* rules are for what exists */
	(void)state_dir_make(lessons, NULL);
	strv_push(&dirs, lessons);
	(void)state_dir_make(moved, NULL);
	strv_push(&dirs, moved);
	(void)state_dir_make_away(r->src.facts.state_root, NULL);
	strv_push(&dirs, away);
	/* the record of a guest that vmferry has brought here goes with it */
	strv_push(&dirs, arrived);
	unit_hold_dirs(r, &dirs);
	/* this run's is open; a guardian that is replaced adds to it */
	strv_push(&dirs, recordings);
	for (size_t i = 0; i < m->n; i++) {
		const char *slash = strrchr(m->v[i].public, '/');

		if (slash)
			strv_pushf(&dirs, "%.*s/",
				   (int)(slash - m->v[i].public),
				   m->v[i].public);
	}
	r->opt->set_up((const char *const *)strv_argv(&dirs));
}

int setup_guard(struct run *r, struct err *err)
{
	if (r->opt->guardian) {
		r->held.guard = guard_start(r->opt, r->id.name,
					    host_sudo_password(r->dst.host),
					    err);
		if (!r->held.guard)
			return err_wrap(err, ERR_REFUSED,
					"without a guardian nothing is begun");
	}
	if (r->opt->set_up && !host_is_local(r->dst.host) &&
	    strcmp(host_backend(r->dst.host), "ssh") == 0 &&
	    !lane_starts_ssh(r))
		report_set_up(r);
	return 0;
}
