/* SPDX-License-Identifier: MIT */
/* check_report: what a check of one destination has brought. */
#include "tools/cli/check_report.h"

#include <math.h>
#include <stdlib.h>

#include "qmp/json.h"
#include "qmp/json_fields.h"
#include "tools/cli/human.h"
#include "tools/cli/ui.h"
#include "transport/base/xalloc.h"

void check_report_init(struct check_report *rep, struct ui *ui,
		       const char *host)
{
	*rep = (struct check_report){
		.host = host,
		.ui = ui,
		.link_bps = NAN,
	};
	result_init(&rep->result);
}

void check_report_free(struct check_report *rep)
{
	checks_free(&rep->list);
	result_free(&rep->result);
	free(rep->source_qemu);
	free(rep->destination_qemu);
	free(rep->login);
	free(rep->link);
}

static char *copy(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static void take_facts(struct check_report *rep, const struct event_facts *f)
{
	if (rep->source_qemu)
		return;
	rep->source_qemu = copy(f->source_qemu);
	rep->destination_qemu = copy(f->destination_qemu);
	rep->login = copy(f->login);
	rep->link_bps = f->link_bps;
	rep->lessons = f->lessons;
	if (f->link_bps > 0)
		rep->link = xasprintf("link %s, learnt from %zu migration%s",
				      human_rate(f->link_bps).text, f->lessons,
				      f->lessons == 1 ? "" : "s");
}

void check_report_event(void *arg, const struct event *ev)
{
	struct check_report *rep = arg;

	if (ev->kind == EVENT_FACTS)
		take_facts(rep, &ev->facts);
	ui_event(rep->ui, ev);
}

struct check_head check_report_head(const struct check_report *rep)
{
	return (struct check_head){
		.source = rep->result.source,
		.source_qemu = rep->source_qemu,
		.destination = rep->result.destination,
		.destination_qemu = rep->destination_qemu,
		.login = rep->login,
		.link = rep->link,
	};
}

bool check_report_is_ready(const struct check_report *rep)
{
	return rep->result.outcome == OUTCOME_READY;
}

const char *check_report_verdict(const struct check_report *rep)
{
	return check_verdict_name(check_report_is_ready(rep)
					  ? checks_worst(&rep->list)
					  : CHECK_FAIL);
}

struct json_object *check_report_to_json(const struct check_report *rep)
{
	const struct result *r = &rep->result;
	struct json_object *all = json_object_new_array();
	struct json_object *o = json_new();

	for (size_t i = 0; i < rep->list.n; i++)
		json_object_array_add(all, check_to_json(&rep->list.v[i]));
	json_fields_text(o, "guest", r->guest);
	json_add_str(o, "outcome", outcome_name(r->outcome));
	json_add_i64(o, "exit_code", result_exit_code(r));
	json_add_str(o, "verdict", check_report_verdict(rep));
	json_add_sub(o, "checks", all);
	json_add_sub(o, "error", result_error_to_json(&r->error));
	json_fields_text(o, "source", r->source);
	json_fields_text(o, "destination", r->destination);
	json_fields_text(o, "source_qemu", rep->source_qemu);
	json_fields_text(o, "destination_qemu", rep->destination_qemu);
	json_fields_text(o, "login", rep->login);
	json_add_num(o, "link_bps", rep->link_bps, 0);
	json_add_u64(o, "lessons", rep->lessons);
	return o;
}
