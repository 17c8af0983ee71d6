/* SPDX-License-Identifier: MIT */
/* vmferry owns: whether this host may run a guest; for scripts and units. */
#include <math.h>
#include <time.h>

#include "engine/recover/owns.h"
#include "tools/cli/cli.h"
#include "tools/cli/group.h"
#include "tools/cli/text.h"
#include "transport/base/xalloc.h"

/* "on 2026-11-30 19:20:11", or nothing. */
static char *when(double t)
{
	time_t s = (time_t)t;
	char text[64];
	struct tm tm;

	if (!(t > 0) || !localtime_r(&s, &tm) ||
	    !strftime(text, sizeof(text), " on %Y-%m-%d %H:%M:%S", &tm))
		return xstrdup("");
	return xstrdup(text);
}

static char *last_line(const struct owns *o, const char *guest)
{
	AUTO_FREE char *at = when(o->moved.moved_s);

	switch (o->answer) {
	case OWNS_HERE:
		return xasprintf("%s%s may run on this host.", guest,
				 o->claimed ? " was claimed: it" : "");
	case OWNS_MOVED:
		return xasprintf("%s was moved to %s%s (%s). It must not be "
				 "started here.",
				 guest, o->moved.destination, at, o->moved.run);
	default:
		return xasprintf("It is not decided that %s may run on this "
				 "host. It must not be started here.",
				 guest);
	}
}

static int finish(struct cli *cli, const struct owns *o)
{
	const char *guest = cli->operands.v[0];
	struct style style = cli_people_style(cli);
	AUTO_FREE char *line = last_line(o, guest);
	AUTO_BUF struct buf b = { 0 };

	if (o->why.kind != ERR_NONE)
		cli_print_error(cli, &o->why);
	text_put(&b, style.utf8, line);
	buf_append(&b, "\n", 1);
	cli_print_people(cli, &b);
	if (cli->settings.json)
		(void)cli_print_json(owns_to_json(o, guest), 0);
	/* a closed standard output makes no other answer */
	(void)cli_end(0);
	return owns_exit_code(o->answer);
}

static int run(struct cli *cli)
{
	AUTO_ERR struct err err = { 0 };
	struct owns_options opt = {
		.guest = cli->operands.v[0],
		.state_dir = cli->settings.state_dir,
	};
	struct owns o;
	int rc, code;

	cli_host_options(cli, &opt.ssh);
	rc = cli->settings.claim ? owns_claim(&opt, &o, &err)
				 : owns_ask(&opt, &o, &err);
	code = rc < 0 ? cli_usage(cli, &err) : finish(cli, &o);
	owns_free(&o);
	return code;
}

static const struct option_group *const groups[] = {
	&group_owns,   &group_state,   &group_login,
	&group_speech, &group_general, NULL,
};

const struct command cmd_owns = {
	.name = "owns",
	.args = "GUEST",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "says whether this host may run a guest; for start scripts",
	.description =
		"For scripts and units that start guests: says whether GUEST "
		"(a name or a UUID) may run on this host, from this host's "
		"disk alone. The exit code is 0 when it may, also for a guest "
		"that vmferry knows nothing of; 1 when it was moved away, and "
		"where to; 7 when it is not decided yet: vmferry recover "
		"decides. 1 is an answer here, errors are 2 or more: as "
		"ExecCondition= of a systemd unit it keeps the unit from "
		"being started, without a failure.\n\n"
		"The mark of a move is on disk before the guest's QEMU quits "
		"on the source, survives a reboot, and goes when vmferry "
		"brings the guest back. A guest that is back by other means "
		"is claimed: --claim.\n\n"
		"--json: guest, outcome (here, moved, undecided, refused), "
		"exit_code, owner (source is this host), run, uuid, source, "
		"destination, moved (wall clock, seconds), claimed, error.",
	.examples = "vmferry owns web1 && exec /srv/vm/web1.sh\n"
		    "vmferry owns web1 --claim",
	.groups = groups,
	.run = run,
	.internal_code = EXIT_CODE_UNDECIDED,
};
