/* SPDX-License-Identifier: MIT */
/* vmferry replay: what other policies would have done on a recorded run. */
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "qmp/json_fields.h"
#include "engine/state/recording_read.h"
#include "engine/estimate/replay.h"
#include "engine/policy/policy_list.h"
#include "qmp/json.h"
#include "tools/cli/cli.h"
#include "tools/cli/group.h"
#include "tools/cli/text.h"
#include "transport/base/xalloc.h"

enum { MAX_ROWS = 16 };

struct row {
	const struct policy *policy;
	struct simulate_outcome o;
};

/* --- finding it ---------------------------------------------------------- */

/* Says what was searched. */
static int no_such_run(const struct recordings *list, const char *word,
		       struct err *err)
{
	err_set(err, ERR_USAGE,
		"there is neither a file %s nor, among the %zu recording%s in "
		"%s, a run of that id, nor one of a guest of that name that "
		"copied memory and has ended",
		word, list->n, list->n == 1 ? "" : "s", list->dir);
	return err_hint(err, "vmferry status shows what is recorded");
}

/* A file, a run id, or a guest: the path of its record; to be freed. */
static char *find_record(const struct cli *cli, struct err *err)
{
	const char *word = cli->operands.v[0];
	const struct recording_view *v;
	struct recordings list = { .v = NULL };
	AUTO_FREE char *state = NULL;
	char *path = NULL;
	struct stat st;

	/* what looks like a path is one; a guest may have a directory */
	if (strchr(word, '/') || (stat(word, &st) == 0 && !S_ISDIR(st.st_mode)))
		return xstrdup(word);
	state = cli_state_directory(cli, err);
	if (state && recordings_read(state, &list, err) == 0) {
		v = recordings_to_replay(&list, word);
		if (v)
			path = xstrdup(v->path);
		else
			(void)no_such_run(&list, word, err);
	}
	recordings_free(&list);
	return path;
}

static int read_record(const struct cli *cli, struct replay *r, struct err *err)
{
	AUTO_FREE char *path = find_record(cli, err);

	return path ? replay_read(path, r, err) : -1;
}

/* --- running ------------------------------------------------------------- */

static struct policy_facts wanted(const struct cli *cli, const struct replay *r)
{
	const struct settings *s = &cli->settings;
	struct policy_facts f = replay_facts(r);

	if (settings_given(s, s->n_given,
			   offsetof(struct settings, max_blackout_ms)))
		f.budget_ms = s->max_blackout_ms;
	if (settings_given(s, s->n_given,
			   offsetof(struct settings, deadline_s)))
		f.deadline_s = s->deadline_s;
	f.may_throttle = s->throttle != MIGRATE_THROTTLE_OFF;
	f.force = s->on_deadline == ON_DEADLINE_FORCE;
	return f;
}

static int find_policies(const struct cli *cli, struct row *rows, size_t *n,
			 struct err *err)
{
	const char *name = cli->settings.policy;

	*n = 0;
	for (size_t i = 0; policy_list[i]; i++) {
		if (!name || !strcmp(name, policy_list[i]->name))
			rows[(*n)++].policy = policy_list[i];
	}
	if (*n)
		return 0;
	return cli_unknown_policy(name, err);
}

static void simulate_all(const struct replay *r, const struct policy_facts *f,
			 struct row *rows, size_t n)
{
	struct simulate_guest g = replay_guest(r);

	for (size_t i = 0; i < n; i++)
		simulate_run(rows[i].policy, f, &g, &r->link,
			     replay_limit_s(r, f), &rows[i].o);
}

/* --- printing ------------------------------------------------------------- */

static void put_recorded(struct buf *b, const struct replay *r,
			 const struct policy_facts *f)
{
	bool utf8 = text_locale_is_utf8();

	text_putf(b, utf8, "%s", r->guest ? r->guest : "the guest");
	buf_printf(b, ": %zu passes at %.1f MB/s, ", r->history.view.n_passes,
		   r->link.bandwidth_bps / 1e6);
	if (r->switched)
		buf_printf(b, "switched after %.1f s, blackout %.0f ms",
			   r->seconds, r->blackout_ms);
	else
		buf_printf(b, "not switched");
	buf_printf(b, "; budget %.0f ms", f->budget_ms);
	if (f->deadline_s > 0)
		buf_printf(b, ", deadline %.0f s", f->deadline_s);
	buf_append(b, "\n", 1);
}

static void put_row(struct buf *b, const struct row *row,
		    const struct policy_facts *f)
{
	const struct simulate_outcome *o = &row->o;

	buf_printf(b, "%-14s %-8s %7.1f", row->policy->name,
		   o->switched ? "yes" : "no", o->seconds);
	if (o->switched)
		buf_printf(b, " %7.0f%s", o->blackout_ms,
			   o->blackout_ms > f->budget_ms ? "!" : " ");
	else
		buf_printf(b, " %7s ", "-");
	buf_printf(b, " %8.1f %6.1f  ", o->bytes / 1e6, o->guest_seconds_lost);
	text_put(b, text_locale_is_utf8(), o->why);
	buf_append(b, "\n", 1);
}

static void print_people(struct cli *cli, const struct replay *r,
			 const struct policy_facts *f, const struct row *rows,
			 size_t n)
{
	AUTO_BUF struct buf b = { 0 };
	bool over = false;

	put_recorded(&b, r, f);
	buf_printf(&b, "%-14s %-8s %7s %7s  %8s %6s  %s\n", "POLICY",
		   "SWITCHED", "AFTER s", "STOPS", "MB", "LOST s", "WHY");
	for (size_t i = 0; i < n; i++) {
		put_row(&b, &rows[i], f);
		over |= rows[i].o.switched &&
			rows[i].o.blackout_ms > f->budget_ms;
	}
	if (over)
		buf_printf(&b, "!: more milliseconds than the budget allows\n");
	cli_print_people(cli, &b);
}

static struct json_object *row_to_json(const struct row *row,
				       const struct policy_facts *f)
{
	const struct simulate_outcome *o = &row->o;
	struct json_object *j =
		json_add_str(json_new(), "policy", row->policy->name);

	json_add_bool(j, "switched", o->switched);
	json_add_num(j, "total_ms", o->seconds * 1e3, 1);
	json_add_num(j, "blackout_ms", o->switched ? o->blackout_ms : NAN, 1);
	json_add_bool(j, "within_budget",
		      o->switched && o->blackout_ms <= f->budget_ms);
	json_add_num(j, "transferred_bytes", o->bytes, 0);
	json_add_num(j, "guest_lost_ms", o->guest_seconds_lost * 1e3, 1);
	json_add_i64(j, "passes", o->passes);
	return json_add_str(j, "why", o->why);
}

static struct json_object *to_json(const struct replay *r,
				   const struct policy_facts *f,
				   const struct row *rows, size_t n)
{
	struct json_object *o = json_new(), *all = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		json_object_array_add(all, row_to_json(&rows[i], f));
	json_fields_text(o, "run", r->run);
	json_fields_text(o, "guest", r->guest);
	json_fields_text(o, "recorded_policy", r->policy);
	json_add_bool(o, "recorded_switched", r->switched);
	json_add_num(o, "recorded_total_ms", r->seconds * 1e3, 1);
	json_add_num(o, "recorded_blackout_ms", r->blackout_ms, 1);
	json_add_num(o, "bandwidth_bps", r->link.bandwidth_bps, 0);
	json_add_num(o, "max_blackout_ms", f->budget_ms, 3);
	json_add_num(o, "deadline_s", f->deadline_s > 0 ? f->deadline_s : NAN,
		     3);
	json_add_sub(o, "policies", all);
	json_add_sub(o, "error", NULL);
	return json_add_i64(o, "exit_code", 0);
}

static int print_failure(struct cli *cli, const struct err *err)
{
	int code = err_has(err, ERR_PROTOCOL) ? EXIT_CODE_RECORDING_TOO_SHORT
					      : EXIT_CODE_USAGE;
	struct json_object *o;

	cli_print_error(cli, err);
	if (!cli->settings.json)
		return code;
	o = json_add_sub(json_new(), "policies", NULL);
	json_add_sub(o, "error", result_error_to_json(err));
	return cli_print_json(json_add_i64(o, "exit_code", code), code);
}

static int run(struct cli *cli)
{
	AUTO_ERR struct err err = { 0 };
	struct row rows[MAX_ROWS] = { 0 };
	struct replay *r = XNEW(struct replay);
	struct policy_facts f;
	int code = 0;
	size_t n;

	if (find_policies(cli, rows, &n, &err) < 0) {
		code = cli_usage(cli, &err);
	} else if (read_record(cli, r, &err) < 0) {
		code = print_failure(cli, &err);
	} else {
		f = wanted(cli, r);
		simulate_all(r, &f, rows, n);
		print_people(cli, r, &f, rows, n);
		if (cli->settings.json)
			code = cli_print_json(to_json(r, &f, rows, n), 0);
	}
	replay_free(r);
	free(r);
	return cli_end(code);
}

static const struct option_group *const groups[] = {
	&group_replay, &group_state, &group_speech, &group_general, NULL,
};

const struct command cmd_replay = {
	.name = "replay",
	.args = "RUN",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "says what another policy would have done on a recorded run",
	.description =
		"Reads the events of a run and simulates each policy on the "
		"guest and the link as they were then: whether it switches "
		"over, after how long, how long the guest stands still, how "
		"much is copied, how much time a throttle takes from the "
		"guest, and the policy's last word. Asks no host and changes "
		"nothing.\n\n"
		"RUN is a file that migrate wrote with --events, the id of a "
		"run that is recorded (see vmferry status), or a guest's name "
		"or UUID, which means its latest run that copied memory and "
		"has ended.\n\n"
		"What the guest would have done after the end of the record is "
		"taken from its dirty curve and, where one was seen, its "
		"period.\n\n"
		"Exit code 2 when RUN is not found or cannot be read, 3 when "
		"it is no record of a run or ends before the first pass of "
		"pre-copy did.",
	.examples = "vmferry replay web1\n"
		    "vmferry replay web1.events --policy qemu --max-blackout "
		    "50",
	.groups = groups,
	.run = run,
};
