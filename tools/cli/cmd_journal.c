/* SPDX-License-Identifier: MIT */
/* vmferry journal: what a run wrote down before it did it; offline. */
#include <string.h>
#include <time.h>

#include "engine/state/journal_read.h"
#include "engine/event/result.h"
#include "qmp/json.h"
#include "tools/cli/cli.h"
#include "tools/cli/group.h"
#include "tools/cli/text.h"
#include "transport/base/xalloc.h"

static void put_time(struct buf *b, struct wall t)
{
	int64_t us = t.us % 1000000;
	time_t s = (time_t)(t.us / 1000000);
	char day[64], zone[16];
	struct tm tm;

	if (us < 0) {
		us += 1000000;
		s--;
	}
	if (!localtime_r(&s, &tm) ||
	    !strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S", &tm) ||
	    !strftime(zone, sizeof(zone), "%z", &tm))
		buf_printf(b, "?");
	else
		buf_printf(b, "%s.%06d %s", day, (int)us, zone);
}

static void put_entry(struct buf *b, const struct journal_entry *e)
{
	AUTO_FREE char *data = e->data ? json_line(e->data) : NULL;

	buf_printf(b, "%3llu  ", (unsigned long long)e->seq);
	put_time(b, e->t);
	buf_printf(b, data ? "  %-8s  " : "  %s",
		   journal_record_name(e->record));
	if (data)
		text_put(b, text_locale_is_utf8(), data);
	buf_append(b, "\n", 1);
}

static struct json_object *entry_to_json(const struct journal_entry *e)
{
	struct json_object *o = json_add_u64(json_new(), "seq", e->seq);

	json_add_num(o, "t", (double)e->t.us / 1e6, 6);
	json_add_str(o, "record", journal_record_name(e->record));
	return json_add_sub(o, "data",
			    e->data ? json_object_get(e->data) : NULL);
}

/* "records" only for print. */
static int print_json(const struct journal_view *v, bool with_records, int code,
		      const struct err *err)
{
	struct json_object *o = json_new(), *list;
	const char *last = v->n ? journal_record_name(journal_state(v)) : NULL;
	const char *state = code == EXIT_CODE_DONE	     ? "whole"
			    : code == EXIT_CODE_JOURNAL_TORN ? "torn"
							     : "corrupt";

	json_add_str(o, "state",
		     err && code != EXIT_CODE_JOURNAL_CORRUPT ? NULL : state);
	json_add_str(o, "last", last);
	if (with_records) {
		list = json_object_new_array();
		for (size_t i = 0; i < v->n; i++)
			json_object_array_add(list, entry_to_json(&v->v[i]));
		json_add_sub(o, "records", list);
	}
	json_add_sub(o, "error", err ? result_error_to_json(err) : NULL);
	return cli_print_json(json_add_i64(o, "exit_code", code), code);
}

static void put_torn(struct buf *b, const struct journal_view *v)
{
	if (!v->whole_bytes)
		buf_printf(b, "torn: its first line is not whole. Whoever "
			      "made it died at once; nothing was done\n");
	else
		buf_printf(b,
			   "torn at byte %zu, after %zu whole record%s: the "
			   "write of the next one was cut off, and what it "
			   "announces was not done\n",
			   v->whole_bytes, v->n, v->n == 1 ? "" : "s");
}

static void put_whole(struct buf *b, const struct journal_view *v)
{
	enum journal_record last = journal_state(v);

	if (!v->n)
		buf_printf(b, "whole: no record yet; nothing was done\n");
	else
		buf_printf(b, "whole: %zu record%s, the last is %s (%s)\n",
			   v->n, v->n == 1 ? "" : "s",
			   journal_record_name(last),
			   journal_record_is_final(last) ? "finished"
							 : "unfinished");
}

static int print(struct cli *cli, const struct journal_view *v)
{
	AUTO_BUF struct buf b = { 0 };

	for (size_t i = 0; i < v->n; i++)
		put_entry(&b, &v->v[i]);
	if (cli->settings.json)
		return print_json(v, true,
				  v->torn ? EXIT_CODE_JOURNAL_TORN
					  : EXIT_CODE_DONE,
				  NULL);
	fputs(buf_data(&b), stdout);
	buf_truncate(&b, 0);
	if (v->torn)
		put_torn(&b, v);
	fputs(buf_data(&b), stderr);
	return cli_end(v->torn ? EXIT_CODE_JOURNAL_TORN : EXIT_CODE_DONE);
}

static int check(struct cli *cli, const struct journal_view *v)
{
	AUTO_BUF struct buf b = { 0 };
	int code = v->torn ? EXIT_CODE_JOURNAL_TORN : EXIT_CODE_DONE;

	if (cli->settings.json)
		return print_json(v, false, code, NULL);
	if (v->torn)
		put_torn(&b, v);
	else
		put_whole(&b, v);
	if (!cli->settings.quiet || v->torn)
		fputs(buf_data(&b), stdout);
	return cli_end(code);
}

static int print_failure(struct cli *cli, struct err *err)
{
	const struct journal_view none = { 0 };
	int code = EXIT_CODE_USAGE;

	if (err->kind == ERR_PROTOCOL) {
		code = EXIT_CODE_JOURNAL_CORRUPT;
		err_hint(err, "trust nothing in this file; ask the monitors of "
			      "both hosts where the guest runs");
	}
	cli_print_error(cli, err);
	return cli->settings.json ? print_json(&none, false, code, err) : code;
}

static int run(struct cli *cli)
{
	AUTO_ERR struct err err = { 0 };
	const char *verb = cli->operands.v[0];
	struct journal_view view;
	int code;

	if (strcmp(verb, "print") != 0 && strcmp(verb, "check") != 0) {
		err_set(&err, ERR_USAGE, "\"%s\" is neither print nor check",
			verb);
		return cli_usage(cli, &err);
	}
	if (journal_read(cli->operands.v[1], &view, &err) < 0)
		return print_failure(cli, &err);
	code = strcmp(verb, "print") == 0 ? print(cli, &view)
					  : check(cli, &view);
	journal_view_free(&view);
	return code;
}

static const struct option_group *const groups[] = {
	&group_speech,
	&group_general,
	NULL,
};

const struct command cmd_journal = {
	.name = "journal",
	.args = "print|check FILE",
	.min_operands = 2,
	.max_operands = 2,
	.summary = "shows or checks the journal of a run",
	.description =
		"Reads the journal of a run: what it was about to do, written "
		"down before it did it. Asks no host and changes nothing. "
		"print shows one line a record; check says whether the file "
		"is whole.\n\n"
		"The exit code is 0 when it is whole, 1 when it is torn (a "
		"crash cut off the last write; what is before it counts), 3 "
		"when it is corrupt (nothing in it is to be trusted), 2 when "
		"it cannot be read.",
	.groups = groups,
	.run = run,
};
