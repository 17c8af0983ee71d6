/* SPDX-License-Identifier: MIT */
/*
 * vmferry: the program. Reads the command line, runs the command as a task,
 * and turns Ctrl-C into a cancel.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "tools/cli/cli.h"
#include "tools/cli/command_table.h"
#include "tools/cli/layers.h"
#include "tools/cli/suggest.h"
#include "tools/cli/watch.h"
#include "transport/base/log.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint_child.h"

struct program {
	struct cli cli;
	struct task *command;
	int signal_fd;
	int code;
};

/* --- signals ------------------------------------------------------------- */

/* Leaves everything as it is: the user has asked to stop at once. */
static void exit_at_once(struct program *p)
{
	ask_restore(&p->cli.ask);
	ui_note(&p->cli.ui, "exiting at once. The guardian of the migration "
			    "finishes or undoes what was begun; `vmferry "
			    "recover` does the same.");
	ui_clear(&p->cli.ui);
	_exit(EXIT_CODE_INTERRUPTED);
}

/*
 * The first signal cancels, a second one exits. A hang-up never counts as the
 * second: a closing terminal sends more than one.
 */
static void watch_signals(void *arg)
{
	struct program *p = arg;
	struct signalfd_siginfo info;
	bool first = true;

	while (task_wait_fd(p->signal_fd, EPOLLIN, MONO_NEVER, NULL) == 0) {
		if (read(p->signal_fd, &info, sizeof(info)) != sizeof(info))
			continue;
		if (!first && info.ssi_signo != SIGHUP)
			exit_at_once(p);
		if (first) {
			ui_cancelling(&p->cli.ui);
			task_cancel(p->command);
		}
		first = false;
	}
}

static int open_signals(void)
{
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN);
	/* one that is suspended could not keep to the budget of its guest */
	(void)signal(SIGTSTP, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* --- the command --------------------------------------------------------- */

static void run_command(void *arg)
{
	struct program *p = arg;

	p->code = p->cli.command->run(&p->cli);
}

static void run_program(void *arg)
{
	struct program *p = arg;
	struct task *signals;

	if (p->cli.command->deaf) {
		run_command(p);
		return;
	}
	p->command = task_start(task_loop(), "command", run_command, p);
	signals = task_start(task_loop(), "signals", watch_signals, p);
	task_join(p->command);
	task_cancel(signals);
	task_join(signals);
}

static int run_loop(struct program *p)
{
	AUTO_ERR struct err err = { 0 };
	struct loop *loop = loop_new(&err);

	if (!loop) {
		cli_print_error(&p->cli, &err);
		return p->cli.command->internal_code
			       ? p->cli.command->internal_code
			       : EXIT_CODE_INTERNAL;
	}
	p->signal_fd = open_signals();
	if (p->cli.settings.verbose)
		log_set_sink(ui_log, &p->cli.ui);
	loop_run(loop, run_program, p);
	log_set_sink(NULL, NULL);
	loop_free(loop);
	close_fd(p->signal_fd);
	return p->code;
}

/* --- the command line ---------------------------------------------------- */

static int unknown_command(struct cli *cli, const char *word)
{
	AUTO_ERR struct err err = { 0 };
	struct suggestion s = { 0 };

	for (size_t i = 0; cli->table[i]; i++)
		suggest(&s, word, cli->table[i]->name);
	err_set(&err, ERR_USAGE, "there is no command \"%s\"", word);
	if (s.word)
		err_hint(&err, "did you mean \"%s\"? vmferry help lists all",
			 s.word);
	else
		err_hint(&err, "vmferry help lists all commands");
	return cli_usage(cli, &err);
}

static int check_operands(const struct command *c, const struct strv *ops,
			  struct err *err)
{
	if (ops->n < c->min_operands)
		return err_set(err, ERR_USAGE, "%s takes %s", c->name, c->args);
	if (ops->n > c->max_operands)
		return err_set(err, ERR_USAGE,
			       "%s: \"%s\" is one word too many", c->name,
			       ops->v[c->max_operands]);
	return 0;
}

static int read_command_line(struct cli *cli, char *const *argv,
			     struct err *err)
{
	const struct command *c = cli->command;

	if (option_parse(c->groups, argv, &cli->settings, &cli->operands, err) <
	    0)
		return -1;
	if (cli->settings.help) {
		/* `COMMAND --help` is `help COMMAND` */
		strv_free(&cli->operands);
		strv_push(&cli->operands, c->name);
		cli->command = &cmd_help;
		return 0;
	}
	if (check_operands(c, &cli->operands, err) < 0)
		return -1;
	return layers_read(c, &cli->settings, err);
}

/* Who wants JSON wants it for errors in the words, too. */
static void look_for_json(struct cli *cli, char *const *argv)
{
	for (; *argv && strcmp(*argv, "--") != 0; argv++) {
		if (!strcmp(*argv, "--json"))
			cli->settings.json = true;
	}
}

/* Else the first file that is opened would become standard output. */
static void hold_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	close_fd(fd);
}

/* Secrets pass through this process's memory from here on. */
static void keep_memory_private(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0);
}

static int run_cli(struct program *p, char *const *argv)
{
	AUTO_ERR struct err err = { 0 };
	struct cli *cli = &p->cli;
	int code;

	if (read_command_line(cli, argv, &err) < 0 ||
	    ui_open(&cli->ui, &cli->settings, STDERR_FILENO, &err) < 0) {
		look_for_json(cli, argv);
		return cli_usage(cli, &err);
	}
	keep_memory_private();
	code = run_loop(p);
	if (ui_close(&cli->ui, &err) < 0) {
		cli_print_error(cli, &err);
		code = code ? code : EXIT_CODE_INTERNAL;
	}
	watch_in_background(cli);
	return code;
}

/* `--version` and `--help` alone are commands, too. */
static const struct command *first_word(const char *word)
{
	if (!word || !strcmp(word, "--help") || !strcmp(word, "-h"))
		return &cmd_help;
	if (!strcmp(word, "--version") || !strcmp(word, "-V"))
		return &cmd_version;
	if (!strcmp(word, cmd_guardian.name))
		return &cmd_guardian;
	return command_find(command_table, word);
}

int main(int argc, char **argv)
{
	struct program *p = XNEW(struct program);
	const char *first = argc > 1 ? argv[1] : NULL;
	char *const *words = argv + (argc > 1 ? 2 : argc);
	int code;

	if (endpoint_wanted(argc, argv))
		endpoint_main();
	endpoint_child_program("/proc/self/exe");
	hold_standard_descriptors();
	(void)setlocale(LC_CTYPE, "");
	settings_init(&p->cli.settings);
	p->cli.table = command_table;
	p->cli.command = first_word(first);
	if (p->cli.command) {
		code = run_cli(p, words);
	} else {
		look_for_json(&p->cli, words);
		code = unknown_command(&p->cli, first);
	}
	strv_free(&p->cli.operands);
	settings_free(&p->cli.settings);
	free(p);
	return code;
}
