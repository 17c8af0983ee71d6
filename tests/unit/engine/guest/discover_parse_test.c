/* SPDX-License-Identifier: MIT */
/* Tests of engine/guest/discover_parse.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/guest/discover.h"
#include "tests/unit/test.h"
#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

/* --- output of the script ------------------------------------------------ */

static void add_hex(struct buf *b, const char *key, const void *data,
		    size_t len)
{
	const unsigned char *p = data;

	buf_printf(b, "%s", key);
	for (size_t i = 0; i < len; i++)
		buf_printf(b, "%s %02x", i && i % 16 == 0 ? "\n" : "", p[i]);
	buf_printf(b, "\n\n");
}

struct process {
	int pid, parent;
	const char *exe;
	const char *argv; /* words end in '|' */
	const char *cwd;
	const char *env, *env2; /* variables, or NULL */
	unsigned int ticks;
};

static void add_process(struct buf *b, const struct process *p)
{
	AUTO_FREE char *argv = xstrdup(p->argv);
	size_t len = strlen(argv);

	for (size_t i = 0; i < len; i++)
		argv[i] = argv[i] == '|' ? '\0' : argv[i];
	buf_printf(b, "process %d\n", p->pid);
	add_hex(b, "exe", p->exe, strlen(p->exe));
	add_hex(b, "cmdline", argv, len);
	add_hex(b, "cwd", p->cwd, strlen(p->cwd));
	if (p->env)
		add_hex(b, "env", p->env, strlen(p->env));
	if (p->env2)
		add_hex(b, "env", p->env2, strlen(p->env2));
	buf_printf(b,
		   "status Uid:\t0\t107\t107\t107\nstatus Gid:\t0\t108\t1\t1\n"
		   "status Groups:\t36 108 \n"
		   "status Umask:\t0027\n"
		   "limits Max open files            1024                 "
		   "524288               files     \n"
		   "limits Max core file size        0                    "
		   "unlimited            bytes     \n"
		   "cgroup 0::/system.slice/vm.service\n"
		   "stat %d (qemu) S %d 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 3 0 "
		   "%u 0 0\nend\n",
		   p->pid, p->parent, p->ticks);
}

static void parse(struct buf *b, struct guests *list)
{
	AUTO_ERR struct err err = { .kind = ERR_NONE };

	if (discover_parse(buf_data(b), buf_len(b), list, &err))
		fail_msg("%s", err.message);
}

static const struct process plain = {
	.pid = 42,
	.parent = 1,
	.exe = "/usr/bin/qemu-system-x86_64\n",
	.argv = "qemu|-name|web1|-m|1G|",
	.cwd = "/srv\n",
	.ticks = 100,
};

static void start(struct buf *b)
{
	buf_printf(b, "vmferry-proc 1\n");
}

/* --- tests --------------------------------------------------------------- */

TEST(a_process_is_read_whole)
{
	AUTO_BUF struct buf b = { .base = NULL };
	struct guests list;
	const struct guest *g;

	start(&b);
	add_process(&b, &plain);
	parse(&b, &list);
	assert_int_equal(list.n, 1);
	g = &list.v[0];
	assert_int_equal(g->pid, 42);
	assert_int_equal(g->start_ticks, 100);
	assert_string_equal(g->exe, "/usr/bin/qemu-system-x86_64");
	assert_false(g->exe_replaced);
	assert_string_equal(g->cwd, "/srv");
	assert_string_equal(g->name, "web1");
	assert_int_equal(g->argv.n, 5);
	assert_int_equal(g->uid, 107);
	assert_int_equal(g->gid, 108);
	assert_string_equal(g->user, "107");
	assert_string_equal(g->groups.v[0], "36");
	assert_int_equal(g->groups.n, 2);
	assert_int_equal(g->umask, 027);
	assert_string_equal(g->limits.v[0], "nofile 1024 524288");
	assert_string_equal(g->limits.v[1], "core 0 unlimited");
	assert_string_equal(g->unit, "vm.service");
	assert_int_equal(g->ram_bytes, 1 << 30);
	guests_free(&list);
}

TEST(empty_arguments_and_line_breaks_survive)
{
	AUTO_BUF struct buf b = { .base = NULL };
	struct process p = plain;
	struct guests list;

	p.argv = "qemu||a\nprocess 1||";
	start(&b);
	add_process(&b, &p);
	parse(&b, &list);
	assert_int_equal(list.n, 1);
	assert_int_equal(list.v[0].argv.n, 4);
	assert_string_equal(list.v[0].argv.v[1], "");
	assert_string_equal(list.v[0].argv.v[2], "a\nprocess 1");
	assert_string_equal(list.v[0].argv.v[3], "");
	guests_free(&list);
}

TEST(the_oldest_comes_first)
{
	AUTO_BUF struct buf b = { .base = NULL };
	struct process young = plain;
	struct guests list;

	young.pid = 7;
	young.ticks = 200;
	young.argv = "qemu|";
	start(&b);
	add_process(&b, &young);
	add_process(&b, &plain);
	parse(&b, &list);
	assert_int_equal(list.n, 2);
	assert_int_equal(list.v[0].pid, 42);
	assert_string_equal(guest_label(&list.v[1]), "pid:7");
	guests_free(&list);
}

TEST(a_replaced_program_keeps_its_path)
{
	AUTO_BUF struct buf b = { .base = NULL };
	struct process p = plain;
	struct guests list;

	p.exe = "/usr/bin/qemu-system-x86_64 (deleted)\n";
	start(&b);
	add_process(&b, &p);
	parse(&b, &list);
	assert_string_equal(list.v[0].exe, "/usr/bin/qemu-system-x86_64");
	assert_true(list.v[0].exe_replaced);
	guests_free(&list);
}

static size_t found(const struct process *p)
{
	AUTO_BUF struct buf b = { .base = NULL };
	struct guests list;
	size_t n;

	start(&b);
	add_process(&b, p);
	parse(&b, &list);
	n = list.n;
	guests_free(&list);
	return n;
}

TEST(only_programs_called_qemu_are_guests)
{
	static const struct {
		const char *exe;
		size_t n;
	} cases[] = {
		{ "/usr/libexec/qemu-kvm\n", 1 },
		{ "/opt/qemu-system-aarch64\n", 1 },
		{ "/usr/bin/qemu-img\n", 0 },
		{ "/qemu-system-x86_64/sh\n", 0 },
		{ "/usr/bin/my-qemu-kvm\n", 0 },
		{ "/usr/bin/qemu-kvm-helper\n", 0 },
		{ "", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct process p = plain;

		p.exe = cases[i].exe;
		assert_int_equal(found(&p), cases[i].n);
	}
}

TEST(a_process_that_vanished_is_left_out)
{
	AUTO_BUF struct buf b = { .base = NULL };
	struct guests list;

	start(&b);
	buf_printf(&b, "process 9\nexe\n\ncmdline\n\ncwd\n\n");
	add_process(&b, &plain);
	buf_printf(&b, "process 10\nexe 2f\n");
	parse(&b, &list);
	assert_int_equal(list.n, 1);
	assert_int_equal(list.v[0].pid, 42);
	guests_free(&list);
}

TEST(a_helper_of_a_guest_is_none)
{
	AUTO_BUF struct buf b = { .base = NULL };
	struct process helper = plain;
	struct guests list;

	helper.pid = 43;
	helper.parent = 42;
	start(&b);
	add_process(&b, &plain);
	add_process(&b, &helper);
	parse(&b, &list);
	assert_int_equal(list.n, 1);
	assert_int_equal(list.v[0].pid, 42);
	guests_free(&list);
}

TEST(a_daemon_came_from_the_directory_of_its_shell)
{
	AUTO_BUF struct buf b = { .base = NULL };
	struct process p = plain;
	struct guests list;

	p.argv = "qemu|-daemonize|-qmp|unix:q,server|";
	p.cwd = "/\n";
	p.env = "PWD=/srv/vm";
	start(&b);
	add_process(&b, &p);
	parse(&b, &list);
	assert_string_equal(list.v[0].cwd, "/srv/vm");
	assert_string_equal(list.v[0].monitors[0].path, "/srv/vm/q");
	guests_free(&list);
}

TEST(another_process_is_where_it_is)
{
	AUTO_BUF struct buf b = { .base = NULL };
	struct process p = plain;
	struct guests list;

	p.env = "PWD=/elsewhere";
	start(&b);
	add_process(&b, &p);
	parse(&b, &list);
	assert_string_equal(list.v[0].cwd, "/srv");
	guests_free(&list);
}

TEST(a_moved_guest_has_its_public_sockets)
{
	AUTO_BUF struct buf b = { .base = NULL };
	struct process p = plain;
	struct guests list;

	p.argv = "qemu|-qmp|unix:/r/s0,server|";
	p.env = "VMFERRY_SOCKETS=/r/s0\t/run/a\n";
	p.env2 = "VMFERRY_RUN_DIR=/r";
	start(&b);
	add_process(&b, &p);
	parse(&b, &list);
	assert_int_equal(list.n, 1);
	assert_string_equal(list.v[0].run_dir, "/r");
	assert_int_equal(list.v[0].moves.n, 1);
	assert_string_equal(list.v[0].monitors[0].path, "/run/a");
	guests_free(&list);
}

TEST(a_moved_guest_has_the_key_of_its_run)
{
	AUTO_BUF struct buf b = { .base = NULL };
	struct process p = plain;
	struct guests list;

	p.env = "VMFERRY_KEY=guest-1";
	start(&b);
	add_process(&b, &p);
	parse(&b, &list);
	assert_int_equal(list.n, 1);
	assert_string_equal(list.v[0].run_key, "guest-1");
	guests_free(&list);
}

TEST(a_mangled_mapping_makes_an_ordinary_guest)
{
	AUTO_BUF struct buf b = { .base = NULL };
	struct process p = plain;
	struct guests list;

	p.env = "VMFERRY_SOCKETS=junk";
	start(&b);
	add_process(&b, &p);
	parse(&b, &list);
	assert_int_equal(list.n, 1);
	assert_int_equal(list.v[0].moves.n, 0);
	guests_free(&list);
}

TEST(words_of_a_login_shell_are_skipped)
{
	AUTO_BUF struct buf b = { .base = NULL };
	struct guests list;

	buf_printf(&b, "Welcome!\nprocess 1\n");
	start(&b);
	add_process(&b, &plain);
	parse(&b, &list);
	assert_int_equal(list.n, 1);
	guests_free(&list);
}

TEST(no_guests_are_an_empty_list)
{
	AUTO_BUF struct buf b = { .base = NULL };
	struct guests list;

	start(&b);
	parse(&b, &list);
	assert_int_equal(list.n, 0);
	guests_free(&list);
}

TEST(nonsense_is_refused)
{
	static const char *const texts[] = {
		"",
		"sh: not found\n",
		"vmferry-proc 1",
		"vmferry-proc 1\nexe 2f\n",
		"vmferry-proc 1\nprocess 1\nexe 2g\n",
		"vmferry-proc 1\nprocess 1\nexe 2\n",
		"vmferry-proc 1\nprocess 4294967297\nend\n",
		"vmferry-proc 1\nprocess -1\nend\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		AUTO_ERR struct err err = { .kind = ERR_NONE };
		struct guests list;

		assert_int_equal(discover_parse(texts[i], strlen(texts[i]),
						&list, &err),
				 -1);
		assert_int_equal(err.kind, ERR_PROTOCOL);
		assert_int_equal(list.n, 0);
	}
}
