/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_socket.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/argv/argv_socket.h"
#include "engine/argv/argv_table.h"
#include "tests/unit/argv_case.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

/* Replaces the path of the one option in @words by /new. */
static void expect_found(const char *words, const char *path,
			 const char *replaced)
{
	AUTO_FREE char *text = xasprintf("qemu %s", words);
	AUTO_STRV struct strv argv = { .v = NULL };
	AUTO_ITEMS struct argv_items items = { .v = NULL };
	AUTO_SOCKET struct argv_socket s = { .path = NULL };
	AUTO_FREE char *with = NULL;

	argv_case_split(text, &argv);
	argv_items_read(&items, &argv, argv_table_find);
	assert_true(argv_socket_find(&items.v[0], &s));
	assert_string_equal(s.path, path);
	with = argv_socket_with(&s, "/new");
	assert_string_equal(with, replaced);
}

static void expect_none(const char *words)
{
	AUTO_FREE char *text = xasprintf("qemu %s", words);
	AUTO_STRV struct strv argv = { .v = NULL };
	AUTO_ITEMS struct argv_items items = { .v = NULL };
	struct argv_socket s;

	argv_case_split(text, &argv);
	argv_items_read(&items, &argv, argv_table_find);
	if (argv_socket_find(&items.v[0], &s))
		fail_msg("%s: found %s", words, s.path);
}

TEST(servers_are_found_however_they_are_written)
{
	expect_found("-qmp unix:/a,server,nowait", "/a",
		     "unix:/new,server,nowait");
	expect_found("-serial mon:unix:/a,,b,server=on,wait=off", "/a,b",
		     "mon:unix:/new,server=on,wait=off");
	expect_found("-monitor unix:path=/a,server=on", "/a",
		     "unix:path=/new,server=on");
	expect_found("-chardev socket,id=c,path=/a,server=on", "/a",
		     "socket,id=c,path=/new,server=on");
	expect_found("-vnc unix:/a,password=on", "/a", "unix:/new,password=on");
	expect_found("-display vnc=unix:/a", "/a", "vnc=unix:/new");
	expect_found("-spice unix=on,addr=/a", "/a", "unix=on,addr=/new");
	expect_found("-pidfile /a,b", "/a,b", "/new");
	expect_found("-gdb unix:/a,server=on", "/a", "unix:/new,server=on");
	expect_found("-netdev stream,id=n,server=on,addr.type=unix,"
		     "addr.path=/a",
		     "/a",
		     "stream,id=n,server=on,addr.type=unix,addr.path=/new");
	expect_found("-netdev dgram,id=n,local.type=unix,local.path=/a,"
		     "remote.type=unix,remote.path=/b",
		     "/a",
		     "dgram,id=n,local.type=unix,local.path=/new,"
		     "remote.type=unix,remote.path=/b");
	expect_found("-netdev '{\"type\":\"stream\",\"id\":\"n\","
		     "\"server\":true,\"addr\":{\"type\":\"unix\","
		     "\"path\":\"/a\"}}'",
		     "/a",
		     "{\"type\":\"stream\",\"id\":\"n\",\"server\":true,"
		     "\"addr\":{\"type\":\"unix\",\"path\":\"/new\"}}");
}

TEST(what_binds_no_path_is_not_found)
{
	expect_none("-qmp unix:/a");
	expect_none("-qmp unix:/a,server=off");
	expect_none("-qmp tcp:localhost:1,server");
	expect_none("-serial mon:tcp:h:1,server");
	expect_none("-serial telnet:h:1,server");
	expect_none("-serial stdio");
	expect_none("-serial file:/unix:");
	expect_none("-chardev socket,id=c,path=/a");
	expect_none("-chardev socket,id=c,path=a,server=on,abstract=on");
	expect_none("-chardev file,id=c,path=/a");
	expect_none("-chardev socket,id=c,port=1,server=on");
	expect_none("-vnc :1");
	expect_none("-vnc unix:");
	expect_none("-display gtk");
	expect_none("-spice port=1,addr=/a");
	expect_none("-netdev stream,id=n,addr.type=unix,addr.path=/a");
	expect_none("-netdev user,id=n");
	expect_none("-append unix:/a,server");
	expect_none("-kernel /a");
	expect_none("-S");
	expect_none("-no-such-option /a");
	expect_none("-qmp");
}
