/* SPDX-License-Identifier: MIT */
/*
 * connect: finds the guest and gets hold of its monitor, beside that logs in to
 * the destination, and asks the source what it is made of. Changes nothing
 * anywhere.
 */
#include "engine/run/connect.h"

#include <stdlib.h>
#include <string.h>

#include "engine/hosts/guest_socket.h"
#include "engine/run/beside.h"
#include "engine/run/choose_xbzrle.h"
#include "engine/run/learn.h"
#include "engine/run/lock.h"
#include "engine/run/monitor_share.h"
#include "engine/run/reach.h"
#include "engine/run/run.h"
#include "qmp/qmp.h"
#include "qmp/qmp_migrate.h"
#include "transport/base/log.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"

enum { SECOND_MONITOR_MS = 300 };

static const char *label(const struct run *r)
{
	return guest_label(&r->source.guest);
}

/*
 * Any process may carry any command line: the socket that it names must be its
 * own, or somebody else's guest would be moved in its place.
 */
static bool is_guests_own(const struct run *r, const struct stream *s,
			  const char *path, struct err *err)
{
	pid_t pid = stream_peer_pid(s);
	AUTO_FREE char *owner =
		pid > 0 ? xasprintf("process %d", (int)pid)
			: xstrdup("a process of another PID namespace");

	if (pid == r->source.guest.pid)
		return true;
	err_set(err, ERR_REFUSED,
		"the monitor %s belongs to %s, not to %s (pid %d)", path, owner,
		label(r), (int)r->source.guest.pid);
	err_hint(err, "another program took the socket's name: end it and "
		      "restart the guest with a monitor of its own");
	return false;
}

static struct qmp *open_monitor(struct run *r, const char *path, int ms,
				struct err *err)
{
	const struct guest_socket_owner owner = {
		.uid = r->source.guest.uid,
		.pid = r->source.guest.pid,
	};
	AUTO_ERR struct err e = { 0 };
	struct stream *s = guest_socket_connect(r->src.host, path, &owner,
						mono_in_ms(ms), &e);

	/* one client is served, one more may wait; a third hangs */
	if (!s && e.kind == ERR_TIMEOUT)
		err_wrap(&e, ERR_BUSY, "%s takes no connection", path);
	err_move(err, &e);
	if (s && !is_guests_own(r, s, path, err)) {
		stream_close(s);
		return NULL;
	}
	return s ? qmp_open(s, "source", mono_in_ms(ms), err) : NULL;
}

static void explain_busy(const char *path, struct err *err)
{
	err_wrap(err, ERR_BUSY, "the QMP monitor %s is in use", path);
	err_hint(err, "end that client, or start the guest with a second "
		      "-qmp monitor");
}

/*
 * The first monitor that greets becomes the session; of a recovery the one that
 * the run had used. A further free one is kept for rescue by out-of-band
 * commands.
 */
int connect_open_source(struct run *r, struct err *err)
{
	AUTO_ERR struct err e = { 0 };
	bool any = false;

	for (size_t i = 0; i < r->source.guest.n_monitors; i++) {
		const struct monitor *m = &r->source.guest.monitors[i];
		AUTO_ERR struct err one = { 0 };

		if (m->kind != MONITOR_QMP || !m->path)
			continue;
		any = true;
		if (!r->src.qmp && r->recovering && r->source.monitor &&
		    strcmp(m->path, r->source.monitor) != 0)
			continue;
		if (r->src.qmp) {
			r->src.rescue = open_monitor(r, m->path,
						     SECOND_MONITOR_MS, NULL);
			break;
		}
		r->src.qmp = open_monitor(r, m->path, RUN_QMP_MS, &one);
		if (r->src.qmp) {
			free(r->source.monitor);
			r->source.monitor = xstrdup(m->path);
			continue;
		}
		if (one.kind == ERR_BUSY)
			explain_busy(m->path, &one);
		/* it greeted, so it is no other host that is out of reach */
		if (one.kind == ERR_TIMEOUT)
			err_wrap(&one, ERR_REFUSED, "the QMP monitor %s hangs",
				 m->path);
		/* one in use explains more than one that is not there */
		if (e.kind != ERR_BUSY)
			err_move(&e, &one);
	}
	if (r->src.qmp)
		return 0;
	if (any) {
		err_move(err, &e);
		return err_wrap(err, ERR_NONE, "cannot use the monitor of %s",
				label(r));
	}
	err_set(err, ERR_REFUSED, "%s has no QMP monitor on a UNIX socket",
		label(r));
	return err_hint(err,
			"start it with -qmp unix:/run/%s.qmp,server=on,"
			"wait=off",
			r->source.guest.name ? r->source.guest.name : "guest");
}

/* For the last line, should the destination turn out to be out of reach. */
static void note_state(struct run *r)
{
	struct qmp_status st;

	if (qmp_query_status(r->src.qmp, &st, run_qmp_deadline(), NULL) == 0)
		r->result->state = st.running ? "RUNNING" : "PAUSED";
}

/* Its monitor would be in use, and QEMU gone when that migration is done. */
static int refuse_second(struct run *r, struct err *err)
{
	AUTO_FREE char *key = reach_guest_key(r);

	if (!lock_is_held(r, key))
		return 0;
	err_set(err, ERR_BUSY, "another migration of %s is under way",
		label(r));
	return err_hint(err, "wait for it (--wait), or cancel it");
}

/*
 * A QEMU that ends without having greeted was in the hands of another client,
 * which may have moved its guest.
 */
static int open_source(struct run *r, struct err *err)
{
	AUTO_ERR struct err second = { 0 };

	if (monitor_share_open(r, err) == 0)
		return 0;
	if (refuse_second(r, &second) < 0 ||
	    reach_refuse_arriving(r, &second) < 0) {
		err_move(err, &second);
		return -1;
	}
	if (err->kind != ERR_BUSY &&
	    reach_source_alive(r, run_qmp_deadline(), NULL) == 0) {
		err_wrap(err, ERR_BUSY,
			 "QEMU of %s ended while another client had its "
			 "monitor",
			 label(r));
		err_hint(err, "vmferry list shows where it runs now");
		r->result->owner = OWNER_UNKNOWN;
	}
	return -1;
}

static int reach_source(void *arg, struct err *err)
{
	struct run *r = arg;
	int rc = -1;

	if (reach_find(r, err) == 0 && refuse_second(r, err) == 0 &&
	    open_source(r, err) == 0) {
		note_state(r);
		r->src.events = qmp_listen(r->src.qmp, &r->wake);
		rc = 0;
	}
	/*
	 * After another failure the login beside is given up, and nobody is
	 * asked for it. This one may be tried again, alone.
	 */
	if (rc == 0 || err->kind == ERR_REMOTE)
		reach_source_settled(r);
	return rc;
}

static int reach_far(void *arg, struct err *err)
{
	struct run *r = arg;

	if (reach_destination(r, err) < 0)
		return -1;
	if (probe_host(r->dst.host, &r->dst.facts, mono_in_ms(RUN_SCRIPT_MS),
		       err) < 0)
		return err_at_host(err, host_name(r->dst.host));
	return 0;
}

int connect_run(struct run *r, struct err *err)
{
	const struct beside both[] = {
		{ reach_source, r },
		{ reach_far, r },
	};
	int rc;

	r->finding = true;
	rc = beside_ask(both, ARRAY_SIZE(both), err);
	r->finding = false;
	if (rc < 0 && err_has(err, ERR_BECOME))
		reach_report_become(r, err);
	if (rc < 0)
		return -1;
	r->dest.space = r->dst.facts.space;
	free(r->dest.session);
	/* on this host it would be the login of this host's user */
	r->dest.session =
		xstrdup(host_is_local(r->dst.host) ? "" : r->dst.facts.session);
	return 0;
}

/* --- what the source is made of ------------------------------------------ */

static int ask_status(struct run *r, struct err *err)
{
	struct run_facts *f = &r->source.facts;

	if (qmp_query_status(r->src.qmp, &f->first_status, run_qmp_deadline(),
			     err) < 0)
		return -1;
	r->result->state = f->first_status.running ? "RUNNING" : "PAUSED";
	switch (f->first_status.state) {
	case RUN_RUNNING:
	case RUN_PAUSED:
	case RUN_PRELAUNCH:
		return 0;
	case RUN_INMIGRATE:
		err_set(err, ERR_BUSY, "%s is just being migrated to this host",
			label(r));
		return err_hint(err, "wait until it has arrived");
	case RUN_FINISH_MIGRATE:
		err_set(err, ERR_REFUSED,
			"%s stands still before the "
			"switchover of an earlier migration, whose engine may "
			"have died",
			label(r));
		return err_hint(err, "vmferry recover finishes or undoes it");
	case RUN_POSTMIGRATE:
		err_set(err, ERR_REFUSED,
			"%s stands in postmigrate: an "
			"earlier migration of it ended half-way",
			label(r));
		return err_hint(err, "vmferry recover finishes or undoes it; "
				     "without its journal, make sure that it "
				     "runs nowhere else before you `cont` it");
	default:
		return err_set(err, ERR_REFUSED,
			       "%s is in run state %s, which cannot be "
			       "migrated",
			       label(r), f->first_status.raw);
	}
}

static int ask_migration(struct run *r, struct err *err)
{
	struct qmp_migrate_info info = { 0 };
	bool busy;

	if (qmp_query_migrate(r->src.qmp, &info, run_qmp_deadline(), err) < 0)
		return -1;
	busy = info.status == MIGRATION_SETUP ||
	       info.status == MIGRATION_ACTIVE ||
	       info.status == MIGRATION_PRE_SWITCHOVER ||
	       info.status == MIGRATION_DEVICE ||
	       info.status == MIGRATION_CANCELLING;
	if (busy)
		err_set(err, ERR_BUSY,
			"QEMU is already migrating %s "
			"(status %s)",
			label(r), info.raw);
	r->source.facts.blocked = STEAL(info.blocked);
	qmp_migrate_info_free(&info);
	return busy ? -1 : 0;
}

/* Many questions, each of them short. */
static int ask_plugged(struct run *r, struct err *err)
{
	struct run_facts *f = &r->source.facts;
	const struct strv *argv = &r->source.guest.argv;

	if (plugged_read(r->src.qmp, argv, &f->plugged,
			 mono_in_ms(RUN_SCRIPT_MS), err) < 0)
		return -1;
	plugged_apply(&f->plugged, argv, &f->argv);
	return 0;
}

static int ask_hardware(struct run *r, struct err *err)
{
	struct run_facts *f = &r->source.facts;
	struct qmp *q = r->src.qmp;

	if (qmp_machine_type(q, &f->machine, run_qmp_deadline(), err) < 0 ||
	    qmp_query_uuid(q, f->uuid, run_qmp_deadline(), err) < 0 ||
	    qmp_memory_bytes(q, &f->ram_bytes, run_qmp_deadline(), err) < 0 ||
	    qmp_ramblocks_huge(q, &f->huge, run_qmp_deadline(), err) < 0 ||
	    qmp_vcpu_count(q, &f->vcpus, run_qmp_deadline(), err) < 0 ||
	    qmp_kvm_enabled(q, &f->kvm, run_qmp_deadline(), err) < 0 ||
	    qmp_query_disks(q, &f->disks, run_qmp_deadline(), err) < 0 ||
	    qmp_query_jobs(q, &f->jobs, run_qmp_deadline(), err) < 0)
		return -1;
	r->result->ram_bytes = (int64_t)f->ram_bytes;
	return ask_plugged(r, err);
}

int connect_discover(struct run *r, struct err *err)
{
	if (ask_status(r, err) < 0 || ask_migration(r, err) < 0 ||
	    ask_hardware(r, err) < 0)
		/* a QEMU that hangs is no host that is out of reach */
		return err_wrap(
			err, err->kind == ERR_TIMEOUT ? ERR_REFUSED : ERR_NONE,
			"cannot read the facts of %s", label(r));
	if (!r->source.facts.first_status.running &&
	    reach_refuse_arriving(r, err) < 0)
		return -1;
	r->id.key = reach_guest_key(r);
	learn_recall(r);
	choose_xbzrle_look(r);
	return 0;
}
