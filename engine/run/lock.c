/* SPDX-License-Identifier: MIT */
/* lock: one migration of a guest at a time on this host. */
#include "engine/run/lock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/hosts/answer.h"
#include "engine/hosts/guest_id.h"
#include "engine/hosts/probe.h"
#include "engine/run/migrate_options.h"
#include "engine/run/run.h"
#include "engine/state/state_dir.h"
#include "transport/base/lockfile.h"
#include "transport/base/log.h"
#include "transport/base/xalloc.h"

/*
 * What the lock's file says: who holds it, for people and for those who wait.
 * It stays behind a holder that was killed.
 */
static void sign_lock(int fd, const struct run *r)
{
	AUTO_FREE char *guest =
		answer_safe_value(guest_label(&r->source.guest));
	AUTO_FREE char *text =
		xasprintf("by=%s\nrun=%s\nguest=%s\nuid=%u\nrole=source\n"
			  "destination=%s\npid=%d\n",
			  r->recovering ? "recovery" : "engine", r->id.name,
			  guest, (unsigned int)r->source.guest.uid,
			  r->opt->destination, (int)getpid());

	if (ftruncate(fd, 0) < 0 || write(fd, text, strlen(text)) < 0)
		log_warn(NULL, "cannot sign the lock of %s",
			 guest_label(&r->source.guest));
}

bool lock_is_driven(const struct run *r)
{
	AUTO_FREE char *path = state_dir_lock(r->src.facts.run_root, r->id.key);
	AUTO_FREE char *wanted = xasprintf("by=engine\nrun=%s\n", r->id.name);
	AUTO_FD int fd =
		open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char text[64] = "";

	return fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 &&
	       !strncmp(text, wanted, strlen(wanted)) && lockfile_is_held(fd);
}

/* By an earlier version, or by a recovery of one's run. */
static bool is_held_early(const struct run *r, const char *key)
{
	uid_t user = r->source.guest.uid;
	AUTO_FREE char *early = guest_id_early_key(key, user);
	AUTO_FREE char *path = state_dir_lock(r->src.facts.run_root, early);
	AUTO_FD int fd =
		open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	AUTO_FREE char *uid = NULL;
	char text[512] = "";

	if (!strcmp(early, key) || fd < 0 || !lockfile_is_held(fd) ||
	    read(fd, text, sizeof(text) - 1) < 0)
		return false;
	uid = answer_value(text, "uid");
	return !uid || strtoull(uid, NULL, 10) == user;
}

bool lock_is_held(const struct run *r, const char *key)
{
	AUTO_FREE char *path = state_dir_lock(r->src.facts.run_root, key);

	return lockfile_is_held_at(path) || is_held_early(r, key);
}

enum unfinished lock_look_unfinished(const struct run *r, struct strv *rests,
				     struct err *err)
{
	const struct unfinished_asker asker = {
		.uid = r->source.guest.uid,
		.key = r->id.key,
		.guest = guest_label(&r->source.guest),
		.here = &r->src.facts.space,
		.destination = &r->dst.facts.space,
	};

	return unfinished_look(run_state(r), &asker, rests, err);
}

/* Nothing is built on what an earlier run has yet to decide. */
static int refuse_unfinished(struct run *r, struct err *err)
{
	AUTO_STRV struct strv rests = { .v = NULL };
	AUTO_ERR struct err e = { 0 };
	enum unfinished found = lock_look_unfinished(r, &rests, &e);

	if (found == UNFINISHED_OPEN ||
	    (found == UNFINISHED_UNREAD && !run_skips(r, "unfinished"))) {
		err_move(err, &e);
		(void)lock_release(r, NULL);
		return -1;
	}
	if (found != UNFINISHED_NONE)
		run_warn(r, "unfinished", "%s", e.message);
	for (size_t i = 0; i < rests.n; i++)
		run_warn(r, "unfinished", "%s", rests.v[i]);
	return 0;
}

int lock_take(struct run *r, struct err *err)
{
	const char *root = r->src.facts.run_root;
	AUTO_FREE char *dir = state_dir_locks(root);
	AUTO_FREE char *path = state_dir_lock(root, r->id.key);
	AUTO_FD int fd = -1;

	if (state_dir_make_in_root(root, dir, err) < 0)
		return -1;
	fd = lockfile_open(path, err);
	if (fd < 0 && !err_has(err, ERR_BUSY))
		return -1;
	if (fd < 0 || is_held_early(r, r->id.key)) {
		err_set(err, ERR_BUSY, "another migration of %s is under way",
			guest_label(&r->source.guest));
		return err_hint(err, "wait for it, or cancel it");
	}
	sign_lock(fd, r);
	r->held.lock_fd = steal_fd(&fd);
	r->held.was_locked = true;
	return r->recovering ? 0 : refuse_unfinished(r, err);
}

int lock_release(struct run *r, struct err *err)
{
	AUTO_FREE char *path = state_dir_lock(r->src.facts.run_root, r->id.key);

	(void)err;
	if (r->held.lock_fd >= 0)
		(void)unlink(path);
	close_fd(steal_fd(&r->held.lock_fd));
	return 0;
}
