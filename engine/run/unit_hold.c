/* SPDX-License-Identifier: MIT */
/* unit_hold: keeps systemd from starting the guest's unit again. */
#include "engine/run/unit_hold.h"

#include <stdlib.h>
#include <string.h>

#include "engine/hosts/answer.h"
#include "engine/hosts/as_user.h"
#include "engine/hosts/probe.h"
#include "engine/run/reach.h"
#include "engine/run/run.h"
#include "transport/base/xalloc.h"
#include "transport/quote.h"

extern const char unit_hold_sh[];

enum {
	/* a manager that loads its units again also runs its generators */
	RELOAD_MS = 60000,
};

/* --- asking --------------------------------------------------------------- */

static bool is_service(const struct guest *g)
{
	size_t len = g->unit ? strlen(g->unit) : 0;

	return len > 8 && !strcmp(g->unit + len - 8, ".service") &&
	       g->unit[strspn(g->unit, "abcdefghijklmnopqrstuvwxyz"
				       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789:-_.\\@")] == '\0';
}

/* @words as root for a unit of the system, as its user for one of a user. */
static int run_words(struct run *r, const char *words, struct buf *out,
		     struct err *err)
{
	const struct guest *g = &r->source.guest;
	AUTO_BUF struct buf inner = { 0 };
	AUTO_BUF struct buf script = { 0 };
	struct as_user user;

	quote_assign(&inner, "unit", g->unit);
	/* of all drop-ins of a unit the last name counts */
	buf_printf(&inner, "file=zzz-vmferry-%s.conf manager=%s\n", r->id.name,
		   g->user_unit ? "user" : "system");
	buf_printf(&inner, "%s%s\n", unit_hold_sh, words);
	if (g->user_unit && reach_guest_user(r, r->src.facts.uid, &user)) {
		/* that user could type into our terminal */
		buf_printf(&script, "unset XDG_RUNTIME_DIR\nsetsid");
		as_user_words(&script, &user);
	}
	buf_printf(&script, " sh -c ");
	quote_word(&script, buf_data(&inner));
	buf_printf(&script, "\n");
	return probe_script(r->src.host, "unit", buf_data(&script), out,
			    mono_in_ms(RELOAD_MS), err);
}

static bool has_value(const char *text, const char *key, const char *value)
{
	AUTO_FREE char *v = answer_value(text, key);

	return v && !strcmp(v, value);
}

/* The group of the unit, or one below it. */
static bool is_in_group(const struct guest *g, const char *group)
{
	size_t len = group ? strlen(group) : 0;

	return len && g->cgroup && !strncmp(g->cgroup, group, len) &&
	       (!g->cgroup[len] || g->cgroup[len] == '/');
}

void unit_facts_parse(const char *text, const struct guest *g,
		      struct unit_facts *out)
{
	AUTO_FREE char *group = answer_value(text, "ControlGroup");
	AUTO_FREE char *condition = answer_value(text, "ExecCondition");

	*out = (struct unit_facts){ .known = false };
	if (!has_value(text, "LoadState", "loaded") || !is_in_group(g, group)) {
		out->why_unknown =
			xasprintf("its manager knows no unit %s that the "
				  "guest is in",
				  g->unit);
		return;
	}
	out->known = true;
	out->restart = answer_value(text, "Restart");
	out->enabled = has_value(text, "UnitFileState", "enabled") ||
		       has_value(text, "UnitFileState", "enabled-runtime");
	out->asks_first = condition && strstr(condition, "vmferry owns ");
}

void unit_hold_ask(struct run *r, struct unit_facts *out)
{
	AUTO_BUF struct buf text = { 0 };
	AUTO_ERR struct err e = { 0 };

	*out = (struct unit_facts){ .known = false };
	if (!is_service(&r->source.guest) || !r->src.facts.systemd)
		return;
	if (run_words(r, "show", &text, &e) < 0)
		out->why_unknown = err_text(&e);
	else
		unit_facts_parse(buf_data(&text), &r->source.guest, out);
	r->source.restarts = out->known && out->restart && *out->restart &&
			     strcmp(out->restart, "no") != 0;
}

void unit_facts_free(struct unit_facts *f)
{
	free(f->restart);
	free(f->why_unknown);
	*f = (struct unit_facts){ .known = false };
}

/* --- doing ---------------------------------------------------------------- */

int unit_hold_run(struct run *r, struct err *err)
{
	AUTO_BUF struct buf out = { 0 };

	if (!r->source.restarts)
		return 0;
	if (run_words(r, "hold", &out, err) == 0)
		return 0;
	return err_wrap(err, ERR_FAILED,
			"unit %s cannot be kept from starting the guest again",
			r->source.guest.unit);
}

int unit_hold_undo(struct run *r, struct err *err)
{
	AUTO_BUF struct buf out = { 0 };

	if (!r->source.restarts)
		return 0;
	if (run_words(r, "release", &out, err) == 0)
		return 0;
	return err_wrap(err, ERR_NONE,
			"the drop-in that sets Restart=no for unit %s could "
			"not be removed; it is gone at the next boot",
			r->source.guest.unit);
}

void unit_hold_end(struct run *r)
{
	AUTO_BUF struct buf out = { 0 };
	AUTO_ERR struct err e = { 0 };
	AUTO_FREE char *file = NULL;

	if (!r->source.restarts)
		return;
	if (run_words(r, "release_when_over", &out, &e) < 0) {
		AUTO_FREE char *text = err_text(&e);

		run_warn(r, "unit", "Restart=no stays in unit %s: %s",
			 r->source.guest.unit, text);
		return;
	}
	file = answer_value(buf_data(&out), "file");
	if (file)
		run_warn(r, "unit",
			 "unit %s has not ended yet: Restart=no stays in it "
			 "(%s) until the next boot",
			 r->source.guest.unit, file);
}

void unit_hold_dirs(const struct run *r, struct strv *dirs)
{
	const struct guest *g = &r->source.guest;

	if (!r->source.restarts)
		return;
	if (g->user_unit)
		strv_pushf(dirs, "/run/user/%u/systemd/user",
			   (unsigned int)g->uid);
	else
		strv_push(dirs, "/run/systemd/system");
}
