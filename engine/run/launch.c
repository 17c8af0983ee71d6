/* SPDX-License-Identifier: MIT */
/*
 * launch: the destination's QEMU, from its directories to its monitors, and
 * back to nothing.
 *
 * Theory of operation. Two directories are made on the destination: in-KEY,
 * whose mkdir is the lock on the destination (it holds the pid that answers for
 * it, so that a dead one's lock is known from a live one's), and the run
 * directory, private to the guest's user, with every socket and the output of
 * QEMU. QEMU is started by one script: as the guest's user, below a shell in a
 * session of its own and, under systemd, a scope of its own, so that both
 * outlive our login. That shell stays as QEMU's parent, and removes what the
 * guest leaves when it has ended there. The script ends when QEMU listens on
 * its first monitor or has died. The undo is a script too, works from pid and
 * start time alone, and so needs no monitor.
 */
#include "engine/run/launch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/hosts/admit.h"
#include "engine/hosts/answer.h"
#include "engine/hosts/arrival.h"
#include "engine/hosts/as_user.h"
#include "engine/hosts/guest_socket.h"
#include "engine/hosts/hand_over.h"
#include "engine/hosts/identity.h"
#include "engine/hosts/launch_script.h"
#include "engine/hosts/proc_ask.h"
#include "engine/run/choose_xbzrle.h"
#include "engine/run/departed_names.h"
#include "engine/run/migrate_options.h"
#include "engine/run/queue.h"
#include "engine/run/reach.h"
#include "engine/run/run.h"
#include "engine/run/run_token.h"
#include "engine/hosts/login_session.h"
#include "engine/state/state_dir.h"
#include "qmp/qmp.h"
#include "transport/base/log.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/quote.h"

enum {
	STDERR_MAX = 16 * 1024,
	MONITOR_RETRIES = 40,
	MONITOR_RETRY_MS = 50,
};

/* --- the script that starts QEMU ----------------------------------------- */

static void word(struct buf *b, const char *s)
{
	buf_printf(b, " ");
	quote_word(b, s);
}

/* "nofile 1024 524288" of the source → limit 'nofile' '1024' '524288' */
static void add_limits(struct buf *b, const struct guest *g)
{
	buf_printf(b, "%s", launch_limit_sh);
	for (size_t i = 0; i < g->limits.n; i++) {
		char name[32], soft[32], hard[32];

		if (sscanf(g->limits.v[i], "%31s %31s %31s", name, soft,
			   hard) != 3)
			continue;
		buf_printf(b, "limit");
		word(b, name);
		word(b, soft);
		word(b, hard);
		buf_printf(b, "\n");
	}
	buf_printf(b, "[ -z \"$limits\" ] || echo \"limits=$limits\"\n");
}

/* Outside of whose session. */
static void add_wrappers(struct buf *b, const struct run *r)
{
	const struct guest *g = &r->source.guest;

	if (queue_leaves_session(r)) {
		/* systemd may not have collected an earlier try's yet */
		buf_printf(b,
			   " systemd-run --scope --quiet --collect "
			   "--unit=vmferry-%s-%u --description",
			   r->id.name, r->tries.n);
		/* else it is the command line, secrets and all, in the log */
		word(b, guest_label(g));
	}
	buf_printf(b, " setsid");
}

static void add_environment(struct buf *b, const struct run *r)
{
	AUTO_FREE char *moves = argv_moves_encode(&r->dest.plan.moves);
	AUTO_FREE char *dir = xasprintf("%s=%s", ARGV_ENV_RUN_DIR, r->dest.dir);
	AUTO_FREE char *sockets = xasprintf("%s=%s", ARGV_ENV_SOCKETS, moves);
	AUTO_FREE char *key = xasprintf("%s=%s", ARGV_ENV_KEY, r->id.key);

	buf_printf(b, " env");
	word(b, dir);
	word(b, key);
	word(b, sockets);
}

/* What is asked of the host, and what is written down about it. */
static void add_wish(struct buf *b, const struct run *r,
		     const struct admit_wish *wish)
{
	AUTO_FREE char *reserve =
		xasprintf("%llu %s", (unsigned long long)queue_ram_bytes(r),
			  guest_label(&r->source.guest));

	buf_printf(b, "need=%llu limit=%u\n",
		   (unsigned long long)(wish->ram_bytes + 1023) / 1024,
		   wish->limit);
	quote_assign(b, "reserve", reserve);
	/* in a scope of its own QEMU is not bound to what our login may use */
	buf_printf(b, "cgroups=%s\n",
		   queue_leaves_session(r) ? "" : ADMIT_CGROUPS);
}

/* What root opens for QEMU, which inherits it. */
static void add_hands(struct buf *b, const struct run *r)
{
	for (size_t i = 0; i < r->dest.n_hands; i++) {
		const struct run_hand *h = &r->dest.hands[i];

		buf_printf(b, "hand %d %s", ARGV_HAND_FD + (int)i,
			   h->writable ? "rw" : "r");
		word(b, h->path);
		word(b, h->id);
		buf_printf(b, "\n");
	}
}

/* What stays as QEMU's parent. */
static void add_keeper(struct buf *b, const struct run *r)
{
	AUTO_FREE char *records = state_dir_arrived(r->dst.facts.state_root);
	AUTO_FREE char *record = xasprintf("%s/%s", records, r->id.name);
	const char *log = argv_moves_log(&r->dest.plan.moves);
	const struct strv *argv = &r->dest.plan.argv;
	struct as_user user;
	const struct as_user *as = reach_guest_user(r, r->dst.facts.uid, &user);

	quote_assign(b, "lock", r->dest.lock);
	quote_assign(b, "dir", r->dest.dir);
	quote_assign(b, "run", r->id.name);
	quote_assign(b, "record", record);
	quote_assign(b, "log", log ? log : "");
	buf_printf(b, "%s", admit_sh);
	departed_names_begin(b, as);
	buf_printf(b, "%s%sqemu() {\n", file_mark_sh, hand_over_sh);
	add_hands(b, r);
	buf_printf(b, "exec");
	as_user_words(b, as);
	for (size_t i = 0; i < argv->n; i++)
		word(b, argv->v[i]);
	buf_printf(b, "\n}\n%s", launch_keep_sh);
}

/*
 * It reads its text from a pipe: QEMU's command line is not to be in two
 * processes' arguments.
 */
static void add_start(struct buf *b, const struct run *r)
{
	AUTO_BUF struct buf keeper = { 0 };

	add_keeper(&keeper, r);
	add_wrappers(b, r);
	add_environment(b, r);
	buf_printf(b,
		   " sh >&8 2>&9 8>&- 9>&- <<'end of %s' &\n"
		   "{\n%s\n}\nend of %s\n",
		   r->id.name, buf_data(&keeper), r->id.name);
}

static char *launch_script(struct run *r, const struct admit_wish *wish)
{
	struct buf b = { 0 };
	AUTO_FREE char *owner =
		xasprintf("%s:%s", r->source.guest.user, r->source.guest.group);
	AUTO_FREE char *marker = arrival_marker(r->id.name,
						guest_label(&r->source.guest),
						r->src.facts.hostname);

	quote_assign(&b, "root", r->dst.facts.run_root);
	quote_assign(&b, "lock", r->dest.lock);
	quote_assign(&b, "dir", r->dest.dir);
	quote_assign(&b, "run", r->id.name);
	quote_assign(&b, "marker", marker);
	run_token_assign(&b, r);
	quote_assign(&b, "owner", r->dst.facts.uid == 0 ? owner : "");
	quote_assign(&b, "monitor", r->dest.plan.monitor0);
	quote_assign(&b, "cwd", r->dest.plan.cwd ? r->dest.plan.cwd : "/");
	if (r->dst.facts.uid)
		buf_printf(&b, "owner=$(id -u)\n");
	add_wish(&b, r, wish);
	buf_printf(&b, "%s%s%s%s",
		   host_is_local(r->dst.host) ? "session=\n"
					      : login_session_find_sh,
		   identity_match_sh, admit_sh, launch_make_sh);
	buf_printf(&b, "cd \"$cwd\" || fail \"cannot enter $cwd\"\n");
	if (r->dst.facts.uid == 0)
		add_limits(&b, &r->source.guest);
	buf_printf(&b,
		   "is_wanted || fail \"the login that wanted it is gone\"\n"
		   "umask %03o\n",
		   r->source.guest.umask & 0777);
	add_start(&b, r);
	buf_printf(&b, "%s", launch_await_sh);
	return buf_steal(&b);
}

/* --- starting ------------------------------------------------------------ */

static bool has_line(const char *text, const char *key, char **value)
{
	free(*value);
	*value = answer_value(text, key);
	return *value != NULL;
}

static int explain_death(struct run *r, const char *how, struct err *err)
{
	AUTO_FREE char *words = NULL;

	if (err_has(err, ERR_CANCELLED))
		return -1;
	words = launch_stderr(r);
	err_set(err, ERR_FAILED, "%s",
		words && *words ? words : "it said nothing");
	err_wrap(err, ERR_FAILED, "QEMU on %s %s", host_name(r->dst.host), how);
	err_hint(err, "its command line is in the output of --dry-run");
	return err_at_host(err, host_name(r->dst.host));
}

static int read_launch(struct run *r, const char *text, struct err *err)
{
	AUTO_FREE char *v = NULL;

	if (has_line(text, "limits", &v))
		run_warn(r, "limits",
			 "resource limits of the source that %s "
			 "does not grant:%s",
			 host_name(r->dst.host), v);
	if (has_line(text, "pid", &v))
		r->dest.pid = answer_pid(v);
	if (has_line(text, "ticks", &v))
		r->dest.ticks = strtoull(v, NULL, 10);
	if (has_line(text, "died", &v))
		return explain_death(r, "ended at once", err);
	if (has_line(text, "slow", &v))
		return explain_death(r, "opened no monitor in 15 s", err);
	if (!has_line(text, "ready", &v) || !r->dest.pid)
		return err_set(err, ERR_REMOTE,
			       "the launch script on %s told too little",
			       host_name(r->dst.host));
	return 0;
}

static struct qmp *open_monitor(struct run *r, const char *path,
				struct err *err)
{
	const struct guest_socket_owner owner = { .uid = r->source.guest.uid };
	struct stream *s = NULL;

	/* the socket's name shows up a moment before it listens */
	for (int i = 0; i < MONITOR_RETRIES && !s; i++) {
		if (i &&
		    task_sleep_until(mono_in_ms(MONITOR_RETRY_MS), err) < 0)
			return NULL;
		s = guest_socket_connect(r->dst.host, path, &owner,
					 mono_in_ms(RUN_QMP_MS), err);
		if (!s && host_alive(r->dst.host, RUN_CONNECT_MS, NULL) < 0)
			break;
	}
	return s ? qmp_open(s, "destination", mono_in_ms(RUN_QMP_MS), err)
		 : NULL;
}

/* The script was turned away: 0 when it is worth another try. */
static int turned_away(struct run *r, const char *text,
		       const struct admit_wish *wish, struct err *err)
{
	struct admit_view v;
	enum admit answer;
	int rc;

	r->dest.made = r->dest.token_left = false;
	if (!admit_parse(text, &v))
		return err_set(err, ERR_REMOTE,
			       "the launch script on %s told too little",
			       host_name(r->dst.host));
	answer = admit_judge(&v, wish);
	if (r->attempt.may_wait && answer != ADMIT_NEVER)
		rc = queue_hold(r, &v, wish, answer, err);
	else
		rc = queue_refuse(r, &v, wish, answer, err);
	admit_view_free(&v);
	return rc;
}

/* 1: QEMU runs; 0: it was not admitted and should try again. */
static int launch(struct run *r, struct err *err)
{
	struct admit_wish wish = queue_wish(r);
	AUTO_FREE char *script = launch_script(r, &wish);
	AUTO_BUF struct buf out = { 0 };
	AUTO_FREE char *away = NULL;
	int rc;

	r->dest.made = r->dest.token_left = true;
	/* cut short, it might start a QEMU after the clean-up has been there */
	task_shield();
	rc = probe_script(r->dst.host, "launch", script, &out,
			  mono_in_ms(RUN_LAUNCH_MS), err);
	task_unshield();
	if (rc < 0)
		return err_wrap(err, ERR_NONE, "cannot start QEMU on %s",
				host_name(r->dst.host));
	if (has_line(buf_data(&out), "busy", &away) ||
	    has_line(buf_data(&out), "full", &away))
		return turned_away(r, buf_data(&out), &wish, err);
	return read_launch(r, buf_data(&out), err) < 0 ? -1 : 1;
}

int launch_run(struct run *r, struct err *err)
{
	int rc;

	r->result->attempts = (int)++r->tries.n;
	r->attempt.begun_at = mono_now();
	/* the journal has the login that there is now */
	r->dest.reconnected = false;
	lane_measure(r);
	do {
		choose_xbzrle_look(r);
		rc = launch(r, err);
		/* others came first: what was seen is old by now */
		if (rc == 0)
			choose_xbzrle_end_look(r);
	} while (rc == 0);
	if (rc < 0)
		return -1;
	run_token_expect(r);
	/* its memory is reserved there, and its lock counts here */
	queue_leave(r);
	r->dst.qmp = open_monitor(r, r->dest.plan.monitor0, err);
	if (!r->dst.qmp)
		return explain_death(r, "cannot be talked to", err);
	r->dst.events = qmp_listen(r->dst.qmp, &r->wake);
	r->dst.rescue = open_monitor(r, r->dest.plan.monitor1, err);
	if (!r->dst.rescue)
		return explain_death(r, "cannot be talked to", err);
	return 0;
}

static const char *disk_name(const struct qmp_disk *d)
{
	return d->qdev && *d->qdev ? d->qdev : d->device;
}

static bool has_disk(const struct qmp_disks *all, const struct qmp_disk *d)
{
	for (size_t i = 0; i < all->n; i++) {
		if (!strcmp(disk_name(&all->v[i]), disk_name(d)))
			return true;
	}
	return false;
}

/* QEMU itself loads a guest into a machine that lacks one of its disks. */
static int compare_disks(struct run *r, struct err *err)
{
	struct qmp_disks there;
	int rc = 0;

	if (qmp_query_disks(r->dst.qmp, &there, run_qmp_deadline(), err) < 0)
		return -1;
	for (size_t i = 0; i < r->source.facts.disks.n && rc == 0; i++) {
		const struct qmp_disk *d = &r->source.facts.disks.v[i];
		AUTO_FREE char *name = NULL;

		if (has_disk(&there, d))
			continue;
		name = argv_handed_name(&r->source.guest.argv, d->file);
		rc = err_set(err, ERR_FAILED,
			     "QEMU on %s lacks the guest's disk %s (%s)",
			     host_name(r->dst.host), disk_name(d),
			     name ? name : d->file);
		err_hint(err, "its command line (--dest-args) has to have the "
			      "same devices with the same ids");
	}
	qmp_disks_free(&there);
	return rc;
}

/* It must wait for a migration, or a `cont` of anybody would start it. */
int launch_observe(struct run *r, struct err *err)
{
	struct qmp_status st;

	if (qmp_query_status(r->dst.qmp, &st, run_qmp_deadline(), err) < 0)
		return explain_death(r, "does not answer", err);
	if (st.state != RUN_INMIGRATE)
		return err_set(err, ERR_FAILED,
			       "QEMU on %s is in run state %s instead of "
			       "waiting for a migration",
			       host_name(r->dst.host), st.raw);
	return compare_disks(r, err);
}

char *launch_stderr(struct run *r)
{
	AUTO_BUF struct buf script = { 0 };
	struct buf b = { 0 };
	char *text, *hidden;

	/* its directory is the guest's user's, who may put a link there */
	quote_assign(&script, "dir", r->dest.dir);
	buf_printf(
		&script,
		"dd iflag=nofollow,nonblock if=\"$dir/stderr\" 2>/dev/null |\n"
		"tail -c %d\n",
		STDERR_MAX);
	if (probe_script(r->dst.host, "stderr", buf_data(&script), &b,
			 mono_in_ms(RUN_QMP_MS), NULL) < 0)
		return NULL;
	text = buf_steal(&b);
	for (size_t n = strlen(text); n && strchr(" \r\n", text[n - 1]); n--)
		text[n - 1] = '\0';
	/* QEMU quotes the option that it does not like */
	hidden = argv_blank_text(&r->dest.plan.argv, text);
	free(text);
	return hidden;
}

/* --- and back ------------------------------------------------------------ */

/* The one that the run began with, and the last one that took over. */
static void add_end_of_sessions(struct buf *b, const struct run *r)
{
	/* on this host it would be the login of this host's user */
	if (host_is_local(r->dst.host))
		return;
	buf_printf(b, "%s%s%s", login_session_find_sh, admit_sh,
		   login_session_end_sh);
	if (r->dest.session)
		buf_printf(b, "end_session %s\n", r->dest.session);
	buf_printf(b,
		   "[ \"$(cat \"$lock/run\" 2>/dev/null)\" != \"$run\" ] ||\n"
		   "end_session $(cat \"$lock/session\" 2>/dev/null)\n");
}

static char *remove_script(struct run *r)
{
	struct buf b = { 0 };
	struct as_user user;

	quote_assign(&b, "lock", r->dest.lock);
	quote_assign(&b, "dir", r->dest.dir);
	quote_assign(&b, "run", r->id.name);
	if (r->dest.pid > 0 && !reach_destination_rebooted(r))
		buf_printf(&b, "pid=%d ticks=%llu\n", (int)r->dest.pid,
			   (unsigned long long)r->dest.ticks);
	else
		buf_printf(&b, "pid= ticks=\n");
	quote_assign(&b, "variable", ARGV_ENV_RUN_DIR);
	run_token_assign_gone(&b, r);
	add_end_of_sessions(&b, r);
	as_user_assign(&b, reach_guest_user(r, r->dst.facts.uid, &user));
	buf_printf(&b, "%s%s%s%s%s%s", admit_sh, as_user_sh, proc_ask_sh,
		   run_dir_pids_sh, run_dir_remove_sh, launch_remove_sh);
	return buf_steal(&b);
}

int launch_end_old_session(struct run *r, struct err *err)
{
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf out = { 0 };

	if (host_is_local(r->dst.host))
		return 0;
	quote_assign(&script, "lock", r->dest.lock);
	quote_assign(&script, "run", r->id.name);
	add_end_of_sessions(&script, r);
	buf_printf(&script, "[ \"$(cat \"$lock/run\")\" != \"$run\" ] || "
			    "echo $session >\"$lock/session\"\n");
	return probe_script(r->dst.host, "take-over", buf_data(&script), &out,
			    mono_in_ms(RUN_UNDO_MS), err);
}

char *launch_rest(const struct run *r)
{
	AUTO_FREE char *file =
		r->dest.token_left ? xasprintf("file %s", r->dest.token_file)
				   : NULL;

	if (!r->dest.made)
		return file ? STEAL(file) : xstrdup("nothing");
	return xasprintf("QEMU pid %d, directories %s and %s%s%s",
			 (int)r->dest.pid, r->dest.dir, r->dest.lock,
			 file ? ", " : "", file ? file : "");
}

int launch_undo(struct run *r, struct err *err)
{
	AUTO_FREE char *script = NULL;
	AUTO_FREE char *rest = NULL;
	AUTO_BUF struct buf out = { 0 };

	if (!r->dest.made && !run_token_may_go(r))
		return 0;
	reach_close_monitors(&r->dst);
	if (reach_reconnect(r, err) == 0)
		script = remove_script(r);
	if (script && probe_script(r->dst.host, "clean-up", script, &out,
				   mono_in_ms(RUN_UNDO_MS), err) == 0) {
		r->dest.made = false;
		r->dest.token_left &= !run_token_may_go(r);
		r->dest.pid = 0;
		r->dest.ticks = 0;
		return 0;
	}
	rest = launch_rest(r);
	return err_wrap(err, ERR_NONE, "%s on %s (%s) could not be removed",
			guest_label(&r->source.guest), r->opt->destination,
			rest);
}
