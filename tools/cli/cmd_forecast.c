/* SPDX-License-Identifier: MIT */
/* vmferry forecast: what a migration would be like. */
#include <math.h>

#include "qmp/json_fields.h"
#include "engine/estimate/estimate.h"
#include "qmp/json.h"
#include "tools/cli/cli.h"
#include "tools/cli/group.h"
#include "tools/cli/human.h"
#include "tools/cli/text.h"
#include "transport/base/xalloc.h"

enum { FIRST_COLUMN = 12, COLUMN = 17 };

/* --- for people ---------------------------------------------------------- */

/* "guest rewrites  5 MB in 0.1 s, 14 MB in 0.3 s, … (7 passes, 1 sample)" */
static void put_curve(struct buf *b, const struct style *s,
		      const struct estimate *est)
{
	static const double times[] = { 0.1, 1, 10 };
	double set = curve_working_set(est->curve);

	text_putf(b, s->utf8, "guest rewrites ");
	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		text_putf(b, s->utf8, "%s in %.15g s, ",
			  human_bytes(curve_at(est->curve, times[i])).text,
			  times[i]);
	text_putf(b, s->utf8, "%s in all", human_bytes(set).text);
	text_putf(b, s->utf8, " (%zu pass%s, %zu sample%s)", est->seen.passes,
		  est->seen.passes == 1 ? "" : "es",
		  est->seen.n - est->seen.passes,
		  est->seen.n - est->seen.passes == 1 ? "" : "s");
	buf_append(b, "\n", 1);
}

/* "… besides copying, learnt from 4 migrations" */
static void put_costs(struct buf *b, const struct style *s,
		      const struct estimate *est)
{
	text_putf(b, s->utf8, "besides copying, a pass takes %s",
		  human_ms(est->overhead_ms).text);
	text_putf(b, s->utf8, " and a switchover %s, ",
		  human_ms(est->fixed_ms).text);
	if (est->pair.n)
		text_putf(b, s->utf8, "learnt from %zu migration%s\n",
			  est->pair.n, est->pair.n == 1 ? "" : "s");
	else
		text_putf(b, s->utf8, "assumed\n");
}

static void put_xbzrle(struct buf *b, const struct style *s,
		       const struct estimate *est)
{
	if (est->sampled)
		text_putf(b, s->utf8, "xbzrle %s: %s\n",
			  est->xbzrle.pays ? "pays" : "does not pay",
			  est->xbzrle.why);
}

static void put_link(struct buf *b, const struct style *s,
		     const struct estimate *est)
{
	text_putf(b, s->utf8, "link %s, %s", human_rate(est->link_bps).text,
		  estimate_link_name(est->link));
	if (est->cap_bps > 0)
		text_putf(b, s->utf8, "; capped at %s",
			  human_rate(est->cap_bps).text);
	if (est->link == ESTIMATE_LINK_ASSUMED)
		text_putf(b, s->utf8, ": name a DEST, or --bandwidth");
	buf_append(b, "\n", 1);
}

static void put_cell(struct buf *b, const struct style *s,
		     const struct forecast *f)
{
	AUTO_BUF struct buf c = { 0 };

	if (!(f->p_converge >= FORECAST_NEVER))
		text_putf(&c, s->utf8, "never");
	else
		text_putf(&c, s->utf8, "%s%s, %s",
			  f->p_converge < ESTIMATE_CERTAIN ? "? " : "",
			  human_ms(f->seconds.p50 * 1e3).text,
			  human_ms(f->blackout_ms.p90).text);
	text_cell(b, buf_data(&c), COLUMN, true);
}

/* Time (p50) and blackout (p90) for each bandwidth and budget. */
static void put_table(struct buf *b, const struct style *s,
		      const struct estimate *est)
{
	text_cell(b, "budget", FIRST_COLUMN, true);
	for (size_t k = 0; k < est->n_budgets; k++)
		text_cell(b, human_ms(est->budgets_ms[k]).text, COLUMN, true);
	buf_append(b, "\n", 1);
	for (size_t i = 0; i < est->n_rows; i++) {
		text_cell(b, human_rate(est->rows[i].bandwidth_bps).text,
			  FIRST_COLUMN, true);
		for (size_t k = 0; k < est->n_budgets; k++)
			put_cell(b, s, &est->rows[i].cell[k]);
		buf_append(b, "\n", 1);
	}
}

static void put_line(struct buf *b, const struct style *s, const char *text)
{
	if (!text)
		return;
	text_put(b, s->utf8, text);
	buf_append(b, "\n", 1);
}

static void print_people(struct cli *cli, const struct estimate *est,
			 const struct result *r)
{
	struct style style = cli_people_style(cli);
	AUTO_FREE char *last = result_last_line(r);
	AUTO_BUF struct buf b = { 0 };

	if (r->error.kind != ERR_NONE)
		cli_print_error(cli, &r->error);
	if (est->verdict != ESTIMATE_UNKNOWN && !cli->settings.quiet) {
		put_curve(&b, &style, est);
		put_link(&b, &style, est);
		put_costs(&b, &style, est);
		put_xbzrle(&b, &style, est);
		put_table(&b, &style, est);
	}
	if (est->note && !cli->settings.quiet) {
		buf_printf(&b, "note: ");
		put_line(&b, &style, est->note);
	}
	put_line(&b, &style, est->sentence);
	put_line(&b, &style, est->advice);
	put_line(&b, &style, last);
	cli_print_people(cli, &b);
}

/* --- for programs -------------------------------------------------------- */

static struct json_object *to_json(const struct estimate *est,
				   const struct result *r)
{
	struct json_object *out = json_new();

	json_fields_text(out, "guest", r->guest);
	json_fields_text(out, "source", r->source);
	json_fields_text(out, "destination", r->destination);
	json_fields_text(out, "outcome", outcome_name(r->outcome));
	json_add_i64(out, "exit_code", result_exit_code(r));
	json_fields_text(out, "owner", owner_name(r->owner));
	json_fields_text(out, "state", r->state);
	json_fields_count(out, "ram_bytes", r->ram_bytes);
	json_add_num(out, "total_ms", r->total_ms, 1);
	estimate_to_json(est, out);
	json_fields_strv(out, "leftovers", &r->leftovers);
	return json_add_sub(out, "error", result_error_to_json(&r->error));
}

/* --- the command --------------------------------------------------------- */

static void read_options(struct cli *cli, struct estimate_options *opt)
{
	const struct settings *s = &cli->settings;

	*opt = (struct estimate_options){
		.seconds = s->rehearse_s,
		.quick = s->quick,
	};
	migrate_options_init(&opt->migrate);
	opt->migrate.guest = cli->operands.v[0];
	opt->migrate.destination = cli->operands.n > 1 ? cli->operands.v[1]
						       : NULL;
	cli_host_options(cli, &opt->migrate.ssh);
	opt->migrate.max_blackout_ms = s->max_blackout_ms;
	opt->migrate.deadline_s = s->deadline_s;
	opt->migrate.bandwidth_bps = s->bandwidth_bps;
	opt->migrate.state_dir = s->state_dir;
	opt->migrate.guardian = "/proc/self/exe";
	opt->migrate.sink = ui_event;
	opt->migrate.sink_arg = &cli->ui;
}

static int run(struct cli *cli)
{
	struct estimate_options opt;
	struct estimate est;
	struct result r;
	int code;

	read_options(cli, &opt);
	estimate_init(&est);
	result_init(&r);
	estimate_make(&opt, &est, &r);
	code = result_exit_code(&r);
	print_people(cli, &est, &r);
	if (cli->settings.json)
		code = cli_print_json(to_json(&est, &r), code);
	estimate_free(&est);
	result_free(&r);
	return cli_end(code);
}

static const struct option_group *const groups[] = {
	&group_forecast, &group_budget,	 &group_state, &group_login,
	&group_speech,	 &group_general, NULL,
};

const struct command cmd_forecast = {
	.name = "forecast",
	.args = "GUEST [DEST]",
	.min_operands = 1,
	.max_operands = 2,
	.summary = "says how long a migration would take, or that it would not "
		   "end",
	.description =
		"Measures how fast the running guest rewrites its memory, and, "
		"with DEST, how fast the link to it is, and says for several "
		"bandwidths and budgets how long a migration would take and "
		"for how long the guest would stand still, \"never\", and what "
		"would help. Nothing moves, and the guest runs all the "
		"time.\n\n"
		"For the measurement the guest is copied to nowhere for some "
		"seconds (--time), as a migration would do, which costs it "
		"about as much as the copying part of one; its migration "
		"settings are put back afterwards, also after a crash. "
		"--quick only has QEMU compare a sample of its pages, which "
		"takes some 4 s with the look below, costs next to nothing "
		"and tells less.\n\n"
		"Without DEST, --bandwidth says what the link carries, else "
		"usual ones are assumed; with DEST it is a limit, as for "
		"migrate. In the table are the median time and the pause that "
		"nine in ten migrations would keep to; a question mark stands "
		"where it is not certain that they end.\n\n"
		"What earlier migrations to DEST taught of the link, and of "
		"what a pass and a switchover take besides copying, is used. "
		"A look at some of the guest's pages, of a second, says "
		"whether sending differences (migrate --xbzrle) would pay; "
		"the forecast itself is of a migration without it, and "
		"without a throttle.\n\n"
		"Exit code 0 when a forecast was made, whatever it says. "
		"--json has it as `verdict`; `bandwidth` says where "
		"bandwidth_bps comes from (measured, learnt, given or "
		"assumed); `costs` what there is besides copying (from, "
		"migrations, pass_ms, switchover_ms); `xbzrle` whether it "
		"would pay (pays, shrink, why); `remedies` what would help "
		"(xbzrle: by itself, max_blackout_ms, throttle, "
		"bandwidth_bps). The last line says where the guest runs.",
	.examples = "vmferry forecast web1 hostb\n"
		    "vmferry forecast web1 --bandwidth 100M "
		    "--max-blackout 50\n"
		    "vmferry forecast web1 --quick",
	.groups = groups,
	.run = run,
};
