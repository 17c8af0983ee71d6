/* SPDX-License-Identifier: MIT */
/* other_user: a command for another user's guest, with that user's rights. */
#include "tools/cli/other_user.h"

#include <string.h>
#include <sys/stat.h>

#include "engine/hosts/on_behalf.h"
#include "engine/state/verdict.h"
#include "qmp/json.h"
#include "tools/cli/group.h"
#include "tools/cli/text.h"
#include "transport/base/xalloc.h"

/* --- whose state ---------------------------------------------------------- */

static bool is_theirs(const char *dir, uid_t uid)
{
	struct stat st;

	return stat(dir, &st) == 0 && st.st_uid == uid;
}

bool other_user_has_state(const struct cli *cli, const struct guest_user *who)
{
	const char *dir = cli->settings.state_dir;

	return who->is_other && (!dir || is_theirs(dir, who->user.uid));
}

bool other_user_only(const struct cli *cli, const struct guest_user *who)
{
	return cli->settings.state_dir && other_user_has_state(cli, who);
}

/* --- the words ------------------------------------------------------------ */

static void add_text(struct strv *words, const char *option, const char *value)
{
	if (!value)
		return;
	strv_push(words, option);
	strv_push(words, value);
}

static void add_flag(struct strv *words, const char *option, bool given)
{
	if (given)
		strv_push(words, option);
}

static bool takes(const struct command *c, const struct option_group *group)
{
	for (size_t i = 0; c->groups[i]; i++) {
		if (c->groups[i] == group)
			return true;
	}
	return false;
}

static void add_login(struct strv *words, const struct settings *s)
{
	static const char *const backends[] = { "auto", "libssh2", "openssh" };

	add_text(words, "--identity", s->identity);
	add_text(words, "--known-hosts", s->known_hosts);
	add_text(words, "--ssh-config", s->ssh_config);
	add_text(words, "--ssh", backends[s->ssh]);
	add_flag(words, "--accept-new-host-key", s->accept_new_host_key);
	strv_push(words, "--no-input");
}

static void add_recovery(struct strv *words, const struct settings *s)
{
	static const char *const choices[] = {
		[CHOICE_NONE] = "none",
		[CHOICE_CONTINUE] = "continue",
		[CHOICE_DISCARD] = "discard",
	};

	add_text(words, "--force-source", choices[s->force_source]);
	strv_push(words, "--watch-source");
	strv_pushf(words, "%.3f", s->watch_source_s);
}

static void set_words(const struct cli *cli, const struct guest_user *who,
		      struct strv *words)
{
	const struct settings *s = &cli->settings;

	strv_push(words, cli->command->name);
	add_flag(words, "--json", s->json);
	add_flag(words, "--quiet", s->quiet);
	for (int i = 0; i < s->verbose; i++)
		strv_push(words, "--verbose");
	add_text(words, "--state-dir", s->state_dir);
	if (takes(cli->command, &group_login))
		add_login(words, s);
	if (takes(cli->command, &group_recover))
		add_recovery(words, s);
	strv_push(words, "--");
	strv_pushf(words, "%s/%s", who->user.name, who->guest);
}

/* --- what it prints ------------------------------------------------------- */

/* It may be any text. */
static void clean(struct buf *b, bool utf8, char *text)
{
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		text_put(b, utf8, line);
		buf_append(b, "\n", 1);
	}
}

static void print(struct cli *cli, struct on_behalf *b)
{
	struct style style = cli_people_style(cli);
	AUTO_BUF struct buf out = { 0 };
	AUTO_BUF struct buf errors = { 0 };

	clean(&errors, style.utf8, buf_data(&b->err));
	ui_clear(&cli->ui);
	fputs(buf_data(&errors), stderr);
	if (cli->settings.json)
		return;
	clean(&out, style.utf8, buf_data(&b->out));
	cli_print_people(cli, &out);
}

static int take_json(const struct cli *cli, const struct guest_user *who,
		     struct on_behalf *b, struct json_object **o,
		     struct err *err)
{
	*o = json_parse(buf_data(&b->out), buf_len(&b->out), err);
	if (*o && json_object_is_type(*o, json_type_object))
		return 0;
	json_object_put(*o);
	*o = NULL;
	return err_wrap(err, ERR_REMOTE,
			"vmferry %s, with the rights of %s, ended with status "
			"%d and no answer",
			cli->command->name, who->user.name, b->status);
}

int other_user_run(struct cli *cli, const struct guest_user *who,
		   struct json_object **o, struct err *err)
{
	AUTO_STRV struct strv words = { .v = NULL };
	struct on_behalf b = { .status = 0 };
	int code = -1;

	*o = NULL;
	set_words(cli, who, &words);
	if (on_behalf_run(&who->user, "/proc/self/exe", &words, &b, MONO_NEVER,
			  err) == 0) {
		print(cli, &b);
		if (!cli->settings.json || take_json(cli, who, &b, o, err) == 0)
			code = b.status < EXIT_CODE_INTERRUPTED
				       ? b.status
				       : EXIT_CODE_INTERNAL;
	}
	on_behalf_free(&b);
	return code;
}
