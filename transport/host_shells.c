/* SPDX-License-Identifier: MIT */
/* host_shells: the shells that a host's commands run in. */
#include "transport/host_shells.h"

#include <stdlib.h>

#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host_become.h"

enum {
	SHELLS = 6,	   /* sshd's own limit is ten sessions */
	PATIENCE_MS = 250, /* most commands are done before */
};

struct slot {
	struct host_shell *shell; /* NULL: none */
	bool taken;
};

struct host_shells {
	const struct host_shell_ops *ops;
	void *back_end;
	char *host;
	struct host_become *become; /* NULL: shells are the login user's */
	struct slot slots[SHELLS];
	bool opening; /* one at a time */
	struct waitq change;
};

struct host_shells *host_shells_new(const struct host_shell_ops *ops,
				    void *back_end, const char *host)
{
	struct host_shells *l = XNEW(struct host_shells);

	l->ops = ops;
	l->back_end = back_end;
	l->host = xstrdup(host);
	return l;
}

void host_shells_free(struct host_shells *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < SHELLS; i++)
		host_shell_close(l->slots[i].shell);
	host_become_free(l->become);
	free(l->host);
	free(l);
}

static void give_back(struct host_shells *l, struct slot *slot)
{
	if (slot->shell && !host_shell_is_usable(slot->shell))
		host_shell_close(STEAL(slot->shell));
	slot->taken = false;
	waitq_wake_all(&l->change);
}

/* One that waits for a command; what has ended meanwhile is closed. */
static struct slot *find_idle(struct host_shells *l)
{
	for (size_t i = 0; i < SHELLS; i++) {
		struct slot *slot = &l->slots[i];

		if (slot->taken || !slot->shell)
			continue;
		if (host_shell_is_usable(slot->shell)) {
			slot->taken = true;
			return slot;
		}
		host_shell_close(STEAL(slot->shell));
	}
	return NULL;
}

static struct slot *find_empty(struct host_shells *l)
{
	for (size_t i = 0; i < SHELLS; i++) {
		if (!l->slots[i].taken && !l->slots[i].shell)
			return &l->slots[i];
	}
	return NULL;
}

static bool any_taken(const struct host_shells *l)
{
	for (size_t i = 0; i < SHELLS; i++) {
		if (l->slots[i].taken)
			return true;
	}
	return false;
}

static int open_in(struct host_shells *l, struct slot *slot,
		   struct mono deadline, struct err *err)
{
	slot->taken = true;
	l->opening = true;
	slot->shell = host_shell_open(l->ops, l->back_end, l->host, l->become,
				      deadline, err);
	l->opening = false;
	if (slot->shell) {
		waitq_wake_all(&l->change);
		return 0;
	}
	give_back(l, slot);
	return -1;
}

/* Something has changed, or @until has come: 0. */
static int wait_change(struct host_shells *l, struct mono until,
		       struct mono deadline, struct err *err)
{
	AUTO_ERR struct err e = { 0 };

	if (task_wait_queue(&l->change, mono_min(until, deadline), &e) == 0 ||
	    (e.kind == ERR_TIMEOUT && mono_before(mono_now(), deadline)))
		return 0;
	err_move(err, &e);
	return -1;
}

/*
 * Opens a shell where none is in use, or when one has been awaited for long.
 * 1: *slot has it. 0: the host refuses one more, or it is too early.
 */
static int open_one_more(struct host_shells *l, struct slot **slot,
			 struct mono *patient, struct mono deadline,
			 struct err *refused)
{
	*slot = find_empty(l);
	if (!*slot || (any_taken(l) && mono_before(mono_now(), *patient)))
		return 0;
	if (open_in(l, *slot, deadline, refused) == 0)
		return 1;
	if (refused->kind != ERR_REMOTE || !any_taken(l))
		return -1;
	*patient = deadline;
	return 0;
}

static struct slot *take(struct host_shells *l, struct mono deadline,
			 struct err *err)
{
	AUTO_ERR struct err refused = { 0 };
	struct mono patient = mono_in_ms(PATIENCE_MS);
	struct slot *slot;
	int rc;

	while (!(slot = find_idle(l))) {
		bool opening = l->opening;

		rc = opening ? 0
			     : open_one_more(l, &slot, &patient, deadline,
					     &refused);
		if (rc > 0)
			return slot;
		if (rc == 0)
			rc = wait_change(l, opening ? deadline : patient,
					 deadline, err);
		if (rc < 0 && refused.kind)
			err_move(err, &refused);
		if (rc < 0)
			return NULL;
		/* there is a shell soon, in use for a moment */
		if (opening)
			patient = mono_in_ms(PATIENCE_MS);
	}
	return slot;
}

int host_shells_run(struct host_shells *l, const struct host_command *cmd,
		    struct host_result *result, struct err *err)
{
	struct slot *slot = take(l, cmd->deadline, err);
	int rc;

	if (!slot)
		return -1;
	rc = host_shell_run(slot->shell, cmd, result, err);
	give_back(l, slot);
	return rc;
}

int host_shells_become(struct host_shells *l, const struct host_options *opt,
		       struct host *host, struct mono deadline, struct err *err)
{
	struct slot *slot = &l->slots[0];
	int rc;

	l->become = host_become_new(l->host);
	if (opt->sudo_password)
		host_become_supply(l->become, opt->sudo_password);
	host_become_set_asker(l->become, opt);
	rc = open_in(l, slot, deadline, err);
	host_become_set_asker(l->become, NULL);
	if (rc < 0)
		return -1;
	host->login = host_become_login(l->become);
	host->become = l->become;
	give_back(l, slot);
	return 0;
}
