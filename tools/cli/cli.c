/* SPDX-License-Identifier: MIT */
/* cli: what commands share: errors for people, login, plans, JSON. */
#include "tools/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/argv/argv.h"
#include "engine/hosts/probe.h"
#include "engine/policy/policy.h"
#include "engine/policy/policy_list.h"
#include "qmp/json.h"
#include "tools/cli/confine.h"
#include "tools/cli/receipt.h"
#include "tools/cli/suggest.h"
#include "transport/base/buf.h"
#include "transport/base/log.h"
#include "transport/base/xalloc.h"

enum { DEST_ARGS_MAX = 1024 * 1024, PROBE_MS = 20000 };

/* --- words --------------------------------------------------------------- */

struct style cli_people_style(const struct cli *cli)
{
	return ui_style(&cli->settings,
			cli->settings.json ? STDERR_FILENO : STDOUT_FILENO);
}

void cli_print_people(struct cli *cli, struct buf *b)
{
	ui_clear(&cli->ui);
	fputs(buf_data(b), cli->settings.json ? stderr : stdout);
}

void cli_print_error(struct cli *cli, const struct err *err)
{
	struct style style = ui_style(&cli->settings, STDERR_FILENO);
	AUTO_BUF struct buf b = { 0 };

	receipt_error(&b, &style, err);
	ui_clear(&cli->ui);
	fputs(buf_data(&b), stderr);
}

static int print_usage_result(const struct err *err)
{
	struct result r;
	struct json_object *o;

	result_init(&r);
	r.outcome = OUTCOME_USAGE;
	o = result_to_json(&r);
	json_add_sub(o, "error", result_error_to_json(err));
	result_free(&r);
	return cli_print_json(o, EXIT_CODE_USAGE);
}

int cli_usage(struct cli *cli, const struct err *err)
{
	const struct command *c = cli->command;

	cli_print_error(cli, err);
	if (c)
		fprintf(stderr, "usage: vmferry %s [options]%s%s\n", c->name,
			*c->args ? " " : "", c->args);
	else
		fprintf(stderr, "usage: vmferry COMMAND [options] ...\n");
	return cli->settings.json ? print_usage_result(err) : EXIT_CODE_USAGE;
}

/* --- login --------------------------------------------------------------- */

static void notify(void *arg, const char *what, const char *text)
{
	struct cli *cli = arg;

	(void)what;
	ui_note(&cli->ui, "%s", text);
}

static char *ask_person(void *arg, const char *prompt, enum host_ask what)
{
	struct cli *cli = arg;

	ui_clear(&cli->ui);
	return ask_answer(&cli->ask, prompt, what == HOST_ASK_SECRET);
}

void cli_host_options(struct cli *cli, struct host_options *out)
{
	const struct settings *s = &cli->settings;

	*out = (struct host_options){
		.backend = (enum host_backend_choice)s->ssh,
		.identity = s->identity,
		.known_hosts = s->known_hosts,
		.ssh_config = s->ssh_config,
		.accept_new_host_key = s->accept_new_host_key,
		.become = (enum host_become_choice)s->become,
		.ask = s->no_input ? NULL : ask_person,
		.notify = notify,
		.arg = cli,
	};
}

/* --- plans --------------------------------------------------------------- */

static int read_file(const char *path, struct buf *b, struct err *err)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : 1;

	while (n > 0 && buf_len(b) <= DEST_ARGS_MAX) {
		n = read(fd, buf_reserve(b, 4096), 4096);
		if (n > 0)
			buf_commit(b, (size_t)n);
	}
	if (n < 0) {
		err_sys(err, errno, "cannot read %s", path);
		err->kind = ERR_USAGE;
		return -1;
	}
	if (buf_len(b) > DEST_ARGS_MAX)
		return err_set(err, ERR_USAGE, "%s is larger than %d bytes",
			       path, DEST_ARGS_MAX);
	return 0;
}

static int read_dest_args(struct cli_plan *p, const char *path, struct err *err)
{
	AUTO_BUF struct buf b = { 0 };

	if (read_file(path, &b, err) < 0)
		return -1;
	if (argv_file_parse(buf_data(&b), buf_len(&b), &p->dest_args, err) < 0)
		return err_wrap(err, ERR_NONE, "%s", path);
	p->opt.dest_args = &p->dest_args;
	return 0;
}

/* "OLD=NEW"; the parser made sure of the "=". */
static void read_remaps(struct cli_plan *p, const struct strv *list)
{
	p->remaps = xcalloc(list->n, sizeof(*p->remaps));
	p->opt.remaps = p->remaps;
	p->opt.n_remaps = list->n;
	for (size_t i = 0; i < list->n; i++) {
		char *equals = strchr(list->v[i], '=');

		*equals = '\0';
		p->remaps[i] = (struct argv_remap){ list->v[i], equals + 1 };
	}
}

/* A name in @all that is near to @name is suggested, or all are listed. */
static int unknown(const char *what, const char *name, const struct strv *all,
		   struct err *err)
{
	AUTO_FREE char *list = strv_join(all, ", ");
	struct suggestion near = { 0 };

	for (size_t i = 0; i < all->n; i++)
		suggest(&near, name, all->v[i]);
	err_set(err, ERR_USAGE, "%s \"%s\"", what, name);
	if (near.word)
		return err_hint(err, "did you mean %s?", near.word);
	return err_hint(err, "there are %s", list);
}

static int unknown_check(const char *name, struct err *err)
{
	AUTO_STRV struct strv all = { 0 };

	for (size_t i = 0; migrate_options_checks[i]; i++)
		strv_push(&all, migrate_options_checks[i]);
	return unknown("skip-check: there is no check", name, &all, err);
}

int cli_unknown_policy(const char *name, struct err *err)
{
	AUTO_STRV struct strv all = { 0 };

	for (size_t i = 0; policy_list[i]; i++)
		strv_push(&all, policy_list[i]->name);
	return unknown("policy: there is no policy", name, &all, err);
}

/* More rights than these are not needed from here on. */
static void confine(const char *const *write_dirs)
{
	const struct confine_rules rules = {
		.write_dirs = write_dirs,
		.allow_exec = true,
	};
	AUTO_ERR struct err e = { 0 };

	if (confine_self(&rules, NULL, &e) < 0)
		log_warn(NULL, "%s", e.message);
}

/* Memory in clear is what somebody has asked for twice. */
static int read_transport(struct cli_plan *p, const struct settings *s,
			  struct err *err)
{
	p->opt.transport = (enum lane_choice)s->transport;
	if ((p->opt.transport == LANE_TCP) == s->insecure)
		return 0;
	if (s->insecure)
		return err_set(err, ERR_USAGE,
			       "--insecure is for --transport tcp alone");
	err_set(err, ERR_USAGE,
		"--transport tcp sends the guest's memory in clear, for "
		"everybody on the way to read and to change");
	return err_hint(err, "use --transport auto or ssh, or accept that with "
			     "--insecure");
}

int cli_plan_read(struct cli *cli, struct cli_plan *p, struct err *err)
{
	struct settings *s = &cli->settings;

	*p = (struct cli_plan){ .remaps = NULL };
	migrate_options_init(&p->opt);
	p->opt.guest = cli->operands.v[0];
	p->opt.destination = cli->operands.v[1];
	cli_host_options(cli, &p->opt.ssh);
	p->opt.max_blackout_ms = s->max_blackout_ms;
	p->opt.deadline_s = s->deadline_s;
	p->opt.on_deadline = (enum on_deadline)s->on_deadline;
	p->opt.bandwidth_bps = s->bandwidth_bps;
	p->opt.qemu_binary = s->qemu_binary;
	p->opt.throttle = s->throttle;
	p->opt.xbzrle = (enum migrate_xbzrle)s->xbzrle;
	p->opt.state_dir = s->state_dir;
	p->opt.paused = s->paused;
	p->opt.wait = s->wait;
	p->opt.watch_source_s = s->watch_source_s;
	p->opt.parallel = (unsigned int)s->parallel;
	if (s->policy) {
		p->opt.policy = policy_find(s->policy);
		if (!p->opt.policy)
			return cli_unknown_policy(s->policy, err);
	}
	for (size_t i = 0; i < s->skip_checks.n; i++) {
		if (!migrate_options_check_known(s->skip_checks.v[i]))
			return unknown_check(s->skip_checks.v[i], err);
	}
	p->opt.skip_checks = (const char *const *)strv_argv(&s->skip_checks);
	p->opt.sink = ui_event;
	p->opt.sink_arg = &cli->ui;
	p->opt.guardian = "/proc/self/exe";
	p->opt.set_up = confine;
	if (read_transport(p, s, err) < 0)
		return -1;
	read_remaps(p, &s->remaps);
	return s->dest_args ? read_dest_args(p, s->dest_args, err) : 0;
}

void cli_plan_free(struct cli_plan *p)
{
	free(p->remaps);
	strv_free(&p->dest_args);
}

char *cli_state_directory(const struct cli *cli, struct err *err)
{
	struct host_facts facts = { 0 };
	char *path = NULL;

	if (cli->settings.state_dir)
		return xstrdup(cli->settings.state_dir);
	if (probe_here(&facts, mono_in_ms(PROBE_MS), err) == 0)
		path = xstrdup(facts.state_root);
	host_facts_free(&facts);
	return path;
}

/* --- stdout -------------------------------------------------------------- */

int cli_end(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	fprintf(stderr, "vmferry: cannot write to standard output: %s\n",
		strerror(errno));
	return code ? code : EXIT_CODE_INTERNAL;
}

int cli_print_json(struct json_object *o, int code)
{
	AUTO_FREE char *line = json_line(o);

	puts(line);
	json_object_put(o);
	return cli_end(code);
}
