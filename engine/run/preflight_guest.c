/* SPDX-License-Identifier: MIT */
/* preflight_guest: what the guest is, and whether QEMU lets it go. */
#include <string.h>

#include "engine/run/migrate_options.h"
#include "engine/run/preflight.h"
#include "engine/run/preflight_add.h"
#include "transport/base/xalloc.h"

void preflight_check_remaps(struct preflight *p)
{
	const struct migrate_options *opt = p->r->opt;

	for (size_t i = 0; i < opt->n_remaps; i++) {
		if (p->r->dest.plan.remapped[i])
			continue;
		ADD(p, "remap", DESTINATION, FAIL,
		    xasprintf("--remap %s=%s changes nothing: no path of %s is "
			      "below %s",
			      opt->remaps[i].old_prefix,
			      opt->remaps[i].new_prefix,
			      guest_label(&p->r->source.guest),
			      opt->remaps[i].old_prefix),
		    xstrdup("correct it, or leave it out; its command line "
			    "(ps, /proc/PID/cmdline) has its paths"));
	}
}

void preflight_check_blocked(struct preflight *p)
{
	if (!p->r->source.facts.blocked) {
		ADD(p, "migratable", SOURCE, PASS,
		    xstrdup("QEMU names nothing that blocks migration"), NULL);
		return;
	}
	ADD(p, "migratable", SOURCE, FAIL,
	    xasprintf("QEMU refuses: %s", p->r->source.facts.blocked),
	    xstrdup("unplug that device, or start the guest without it"));
}

void preflight_check_jobs(struct preflight *p)
{
	AUTO_FREE char *jobs = NULL;

	if (!p->r->source.facts.jobs.n)
		return;
	jobs = strv_join(&p->r->source.facts.jobs, ", ");
	ADD(p, "jobs", SOURCE, FAIL,
	    xasprintf("block jobs are running: %s", jobs),
	    xstrdup("wait for them, or cancel them"));
}

static void add_given(struct preflight *p, const struct plugged *g)
{
	AUTO_STRV struct strv all = { 0 };
	AUTO_FREE char *names = NULL;

	strv_push_all(&all, &g->devices);
	strv_push_all(&all, &g->refused);
	names = strv_join(&all, ", ");
	ADD(p, "hotplug", SOURCE, WARN,
	    xasprintf("plugged in after the start: %s", names),
	    xstrdup("make sure that --dest-args has it"));
}

void preflight_check_hotplug(struct preflight *p)
{
	const struct plugged *g = &p->r->source.facts.plugged;
	AUTO_FREE char *devices = strv_join(&g->devices, ", ");
	AUTO_FREE char *gone = strv_join(&g->gone, ", ");
	AUTO_FREE char *unsaid = strv_join(&g->unsaid, ", ");

	if (p->r->opt->dest_args && (g->devices.n || g->refused.n)) {
		add_given(p, g);
		return;
	}
	for (size_t i = 0; i < g->refused.n; i++)
		ADD(p, "hotplug", SOURCE, FAIL,
		    xasprintf("plugged in after the start, and not made anew "
			      "there: %s",
			      g->refused.v[i]),
		    xstrdup("unplug it, or restart the guest with it"));
	if (g->gone.n)
		ADD(p, "hotplug", SOURCE, PASS,
		    xasprintf("unplugged since the start, and left out there: "
			      "%s",
			      gone),
		    NULL);
	if (g->devices.n)
		ADD(p, "hotplug", SOURCE, PASS,
		    xasprintf("plugged in after the start, and goes along: %s",
			      devices),
		    NULL);
	if (g->unsaid.n)
		ADD(p, "hotplug", SOURCE, WARN,
		    xasprintf("QEMU does not report %s: they have their "
			      "defaults there",
			      unsaid),
		    xstrdup("if that is not enough, give the destination's "
			    "command line with --dest-args"));
}

/* Without image locks nothing stops two QEMUs from writing to one disk. */
void preflight_check_locking(struct preflight *p)
{
	const struct strv *argv = &p->r->source.guest.argv;

	for (size_t i = 0; i < argv->n; i++) {
		if (!strstr(argv->v[i], "locking=off") &&
		    !strstr(argv->v[i], "\"locking\":\"off\""))
			continue;
		ADD(p, "locking", SOURCE, FAIL,
		    xstrdup("image locking is off: nothing would stop two "
			    "QEMUs from writing to one disk"),
		    xstrdup("start the guest without locking=off"));
		return;
	}
}

/* QEMU before 10.0 aborts at the switchover, and the guest is lost. */
void preflight_check_inactive(struct preflight *p)
{
	if (!p->inactive)
		return;
	ADD(p, "inactive", SOURCE, FAIL,
	    xasprintf("%s arrived paused and does not hold its images, so that "
		      "QEMU would abort: %s",
		      guest_label(&p->r->source.guest), p->inactive),
	    xstrdup("end what else has the image open; `cont` and `stop` "
		    "make QEMU take it, too"));
}

void preflight_check_command_line(struct preflight *p)
{
	const struct argv_plan *plan = &p->r->dest.plan;
	bool bad = false;

	for (size_t i = 0; i < plan->n_notes; i++) {
		const struct argv_note *n = &plan->notes[i];

		if (n->kind == ARGV_CHANGED)
			continue;
		bad = true;
		if (n->kind == ARGV_REFUSED)
			ADD(p, "command-line", SOURCE, FAIL,
			    xasprintf("%s: %s", n->option, n->text),
			    xstrdup("start the guest without it, or give the "
				    "destination's with --dest-args"));
		else
			ADD(p, "command-line", SOURCE, WARN,
			    xasprintf("%s: %s", n->option, n->text),
			    xstrdup("make sure that it means the same there, "
				    "or give the destination's with "
				    "--dest-args"));
	}
	if (!bad)
		ADD(p, "command-line", SOURCE, PASS,
		    xstrdup("every option is understood"), NULL);
}
