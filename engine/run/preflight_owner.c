/* SPDX-License-Identifier: MIT */
/*
 * preflight_owner: who else starts or ends the guest: managers, units of
 * systemd, supervisors, logind; and who finishes the run.
 */
#include <string.h>

#include "engine/run/lock.h"
#include "engine/run/migrate_options.h"
#include "engine/run/preflight.h"
#include "engine/run/preflight_add.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/quote.h"

/* Refused again under the lock: this one is there to report it early. */
void preflight_check_unfinished(struct preflight *p)
{
	const struct run *r = p->r;
	AUTO_STRV struct strv rests = { .v = NULL };
	AUTO_ERR struct err e = { 0 };
	AUTO_FREE char *word = quote_text(guest_label(&r->source.guest));

	/* somebody is at it */
	if (lock_is_held(r, r->id.key))
		return;
	if (lock_look_unfinished(r, &rests, &e) != UNFINISHED_NONE)
		ADD(p, "unfinished", SOURCE, FAIL, xstrdup(e.message),
		    xstrdup(err_hint_of(&e)));
	for (size_t i = 0; i < rests.n; i++)
		ADD(p, "unfinished", SOURCE, WARN, xstrdup(rests.v[i]),
		    xasprintf("vmferry recover %s, once that host answers",
			      word));
}

void preflight_check_manager(struct preflight *p)
{
	const char *manager = p->r->source.guest.manager;

	if (!manager)
		return;
	ADD(p, "manager", SOURCE, FAIL,
	    xasprintf("%s belongs to %s, which would lose track of it",
		      guest_label(&p->r->source.guest), manager),
	    xasprintf("migrate it with %s itself", manager));
}

static void check_enabled(struct preflight *p)
{
	const struct guest *g = &p->r->source.guest;
	/* for a shell; both are free text */
	AUTO_FREE char *name = quote_text(g->name ? g->name : "GUEST");
	AUTO_FREE char *unit = quote_text(g->unit ? g->unit : "");

	if (!p->unit.enabled || p->unit.asks_first)
		return;
	ADD(p, "boot", SOURCE, WARN,
	    xasprintf("unit %s is enabled: it would start the guest here at "
		      "the next %s",
		      g->unit, g->user_unit ? "login" : "boot"),
	    xasprintf("systemctl %sdisable %s, or give it "
		      "ExecCondition=vmferry owns %s",
		      g->user_unit ? "--user " : "", unit, name));
}

/* systemd itself; what else would start it again is the next check's. */
void preflight_check_unit(struct preflight *p)
{
	const char *unit = p->r->source.guest.unit;

	if (p->unit.why_unknown)
		ADD(p, "restart", SOURCE, WARN,
		    xasprintf("whether unit %s would start the guest again is "
			      "not known: %s",
			      unit, p->unit.why_unknown),
		    xstrdup("make sure that it has Restart=no"));
	else if (p->r->source.restarts)
		ADD(p, "restart", SOURCE, PASS,
		    xasprintf("unit %s has Restart=%s, which is set to no "
			      "until the source has ended",
			      unit, p->unit.restart),
		    NULL);
	check_enabled(p);
}

void preflight_check_supervisor(struct preflight *p)
{
	const struct supervisor *s = &p->above;

	if (s->verdict == SUPERVISOR_STARTS)
		ADD(p, "supervisor", SOURCE, FAIL, xstrdup(s->found),
		    xstrdup(s->remedy));
	else if (s->verdict == SUPERVISOR_UNKNOWN)
		ADD(p, "supervisor", SOURCE, WARN, xstrdup(s->found),
		    xstrdup(s->remedy));
}

void preflight_check_guardian(struct preflight *p)
{
	if (!p->lonely)
		return;
	ADD(p, "guardian", DESTINATION, WARN,
	    xasprintf("the guardian cannot log in to %s by itself, should "
		      "vmferry die: %s",
		      dst_name(p), p->lonely),
	    xstrdup(p->r->opt->ssh.become == HOST_BECOME_SUDO
			    ? "use a key that needs nothing typed (an "
			      "agent's) and a rule NOPASSWD for sudo, or be "
			      "there to run vmferry recover"
			    : "use a key that needs nothing typed (an "
			      "agent's), or be there to run vmferry recover"));
}

/* On this host the logout is the user's own, and need not come. */
static void check_logout_here(struct preflight *p)
{
	const struct lingering *l = &p->lingers_here;

	if (!l->user || !l->ends)
		return;
	ADD(p, "lingering", SOURCE, WARN,
	    xasprintf("logind ends all that %s has started here at the logout "
		      "(KillUserProcesses=yes): vmferry, its guardian and a "
		      "guest that was started by hand",
		      l->user),
	    xasprintf("stay logged in, or set KillExcludeUsers=%s in "
		      "logind.conf",
		      l->user));
}

/* vmferry's login there ends with the run. */
static void check_logout_there(struct preflight *p)
{
	const struct lingering *l = &p->lingers_there;

	if (!l->user || !l->ends || host_is_local(p->r->dst.host))
		return;
	ADD(p, "lingering", DESTINATION, FAIL,
	    xasprintf("logind on %s ends all that a login of %s has started "
		      "with it (KillUserProcesses=yes): the guest would end "
		      "with vmferry's login",
		      dst_name(p), l->user),
	    xasprintf("set KillExcludeUsers=%s in logind.conf there, or "
		      "migrate as root",
		      l->user));
}

/* The guest ends with it, in the middle of its move. */
static void check_manager_here(struct preflight *p)
{
	const struct guest *g = &p->r->source.guest;

	if (p->manager_here != LINGERING_ENDS)
		return;
	ADD(p, "lingering", SOURCE, WARN,
	    xasprintf("%s is in %s of the service manager of %s, which ends "
		      "with the last session of that user: a logout would "
		      "end the guest while it moves",
		      guest_label(g), g->unit ? g->unit : "a unit", g->user),
	    xasprintf("loginctl enable-linger %s, or stay logged in until it "
		      "has moved",
		      g->user));
}

void preflight_check_lingering(struct preflight *p)
{
	static const char runtime[] = "/run/user/";
	const struct lingering *l = &p->lingers_there;
	const char *root = p->r->dst.facts.run_root;

	check_manager_here(p);
	check_logout_here(p);
	check_logout_there(p);
	if (!l->user || l->lingers || l->session || !root ||
	    strncmp(root, runtime, strlen(runtime)) != 0)
		return;
	ADD(p, "lingering", DESTINATION, WARN,
	    xasprintf("the login of %s on %s is no session of logind: when the "
		      "last session of that user ends, its runtime directory "
		      "is removed, with the sockets of the guest's monitors: "
		      "the guest would run, and nobody could ask or move it",
		      l->user, dst_name(p)),
	    xasprintf("loginctl enable-linger %s, on %s", l->user,
		      dst_name(p)));
}

/* A journal that is lost with its host leaves nobody who knows. */
void preflight_check_state(struct preflight *p)
{
	p->r->result->state_storage = p->storage;
	if (!p->storage)
		return;
	ADD(p, "state", SOURCE, FAIL,
	    xasprintf("the state directory %s is on %s, which a power cut "
		      "empties: nobody would know then which host may run %s",
		      run_state(p->r), p->storage,
		      guest_label(&p->r->source.guest)),
	    xstrdup("name a directory on a disk with --state-dir; where there "
		    "is none, --skip-check state accepts it"));
}
