/* SPDX-License-Identifier: MIT */
/* twin: a second QEMU of the guest on the source. */
#include "engine/run/twin.h"

#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "engine/guest/discover.h"
#include "engine/hosts/guest_id.h"
#include "engine/hosts/guest_socket.h"
#include "engine/run/run.h"
#include "engine/state/state_dir.h"
#include "qmp/qmp.h"
#include "qmp/qmp_status.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

enum { LISTEN_MS = 3000, POLL_MS = 100 };

uint64_t twin_now(void)
{
	uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK);
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * hz + (uint64_t)t.tv_nsec * hz / 1000000000u;
}

static bool has_uuid(const struct twin_of *of, const struct guest *g)
{
	return guest_id_has_uuid(of->uuid) && g->uuid &&
	       !strcasecmp(of->uuid, g->uuid);
}

static bool is_started_alike(const struct twin_of *of, const struct guest *g)
{
	return of->name && g->name && !strcmp(of->name, g->name) && of->argv &&
	       strv_equal(of->argv, &g->argv);
}

/* Nobody else can make a directory there. */
static bool is_ours(const struct twin_of *of, const struct guest *g)
{
	return g->run_dir && state_dir_is_guest(of->run_root, g->run_dir) &&
	       access(g->run_dir, F_OK) == 0;
}

/* Of the guest's user, and started after the run began, not by vmferry. */
static bool is_another(const struct twin_of *of, const struct guest *g)
{
	return g->uid == of->uid && g->pid != of->pid &&
	       g->start_ticks > of->since_ticks && !is_ours(of, g);
}

bool twin_is(const struct twin_of *of, const struct guest *g)
{
	return is_another(of, g) &&
	       (has_uuid(of, g) || is_started_alike(of, g));
}

int twin_find(struct host *h, const struct twin_of *of, struct guests *out,
	      struct mono deadline, struct err *err)
{
	struct guests all;

	*out = (struct guests){ .v = NULL };
	if (discover_guests(h, &all, deadline, err) < 0)
		return -1;
	out->v = xcalloc(all.n + 1, sizeof(*out->v));
	for (size_t i = 0; i < all.n; i++) {
		if (!twin_is(of, &all.v[i]))
			continue;
		out->v[out->n++] = all.v[i];
		all.v[i] = (struct guest){ .pid = 0 };
	}
	guests_free(&all);
	return 0;
}

bool twin_may_be(const struct twin_of *of, const struct guest *g)
{
	bool anonymous = !guest_id_has_uuid(of->uuid);

	return is_another(of, g) &&
	       (has_uuid(of, g) || (anonymous && of->name && g->name &&
				    !strcmp(of->name, g->name)));
}

pid_t twin_of_gone(struct host *h, const struct twin_of *of,
		   struct mono deadline, struct err *err)
{
	struct guests all;
	pid_t found = 0;

	if (discover_guests(h, &all, deadline, err) < 0)
		return -1;
	for (size_t i = 0; i < all.n && !found; i++) {
		if (twin_may_be(of, &all.v[i]))
			found = all.v[i].pid;
	}
	guests_free(&all);
	return found;
}

/* --- stopping it ---------------------------------------------------------- */

static struct qmp *open_at(struct host *h, const struct guest *g,
			   const char *path, struct err *err)
{
	const struct guest_socket_owner owner = { .uid = g->uid,
						  .pid = g->pid };
	struct stream *s = guest_socket_connect(h, path, &owner,
						mono_in_ms(RUN_QMP_MS), err);

	/* the name may have become another guest's */
	if (s && stream_peer_pid(s) != g->pid) {
		stream_close(s);
		err_set(err, ERR_REFUSED, "%s is not its own", path);
		return NULL;
	}
	return s ? qmp_open(s, "twin", mono_in_ms(RUN_QMP_MS), err) : NULL;
}

static struct qmp *open_any(struct host *h, const struct guest *g,
			    struct err *err)
{
	struct qmp *q = NULL;

	err_reset(err);
	err_set(err, ERR_REFUSED, "it has no QMP monitor on a UNIX socket");
	for (size_t i = 0; i < g->n_monitors && !q; i++) {
		const struct monitor *m = &g->monitors[i];

		if (m->kind != MONITOR_QMP || !m->path)
			continue;
		err_reset(err);
		q = open_at(h, g, m->path, err);
	}
	return q;
}

int twin_stop(struct host *h, const struct guest *g, struct err *err)
{
	struct mono until = mono_in_ms(LISTEN_MS);
	AUTO_ERR struct err e = { 0 };
	struct qmp_status status = { .running = true };
	struct qmp *q = open_any(h, g, &e);

	while (!q && mono_before(mono_now(), until) &&
	       task_sleep_until(mono_in_ms(POLL_MS), NULL) == 0)
		q = open_any(h, g, &e);
	if (!q) {
		err_move(err, &e);
		return -1;
	}
	err_reset(&e);
	if (qmp_stop(q, run_qmp_deadline(), &e) == 0 &&
	    qmp_query_status(q, &status, run_qmp_deadline(), &e) == 0 &&
	    status.running)
		err_set(&e, ERR_FAILED, "it goes on running");
	qmp_close(q);
	if (e.kind == ERR_NONE)
		return 0;
	err_move(err, &e);
	return -1;
}

char *twin_handle(struct host *h, const struct guest *g)
{
	AUTO_ERR struct err e = { 0 };
	AUTO_FREE char *text = NULL;
	const char *by = g->started_by ? g->started_by : "a parent unknown";

	if (twin_stop(h, g, &e) == 0)
		return xasprintf("%s was started on the source again (pid %d, "
				 "by %s): that QEMU was stopped, not ended",
				 guest_label(g), (int)g->pid, by);
	text = err_text(&e);
	return xasprintf("%s was started on the source again (pid %d, by %s), "
			 "and could not be stopped: %s",
			 guest_label(g), (int)g->pid, by, text);
}
