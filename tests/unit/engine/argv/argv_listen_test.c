/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_listen.c. */
#include "engine/argv/argv_listen.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/argv_case.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

/* "PROTOCOL HOST FIRST-LAST OPTION" of each, by ';'. */
static void expect(const char *words, const char *expected)
{
	AUTO_STRV struct strv argv = { .v = NULL };
	AUTO_STRV struct strv all = { .v = NULL };
	AUTO_FREE char *got = NULL;
	struct argv_ports l;

	strv_push(&argv, "qemu");
	argv_case_split(words, &argv);
	argv_listen_ports(&argv, &l);
	for (size_t i = 0; i < l.n; i++) {
		const struct argv_port *p = &l.v[i];

		strv_pushf(&all, "%s %s %u-%u %s", p->udp ? "udp" : "tcp",
			   *p->host ? p->host : "*", p->first, p->last,
			   p->option);
	}
	got = strv_join(&all, ";");
	assert_string_equal(got ? got : "", expected);
	argv_listen_free(&l);
}

TEST(a_display_takes_a_port)
{
	expect("-vnc :1", "tcp * 5901-5901 -vnc");
	expect("-vnc 127.0.0.1:2,password=on", "tcp 127.0.0.1 5902-5902 -vnc");
	expect("-vnc [::1]:0,to=9", "tcp ::1 5900-5909 -vnc");
	expect("-display vnc=:3", "tcp * 5903-5903 -display");
	expect("-vnc :1,websocket=on",
	       "tcp * 5901-5901 -vnc;tcp * 5701-5701 -vnc");
	expect("-vnc h:1,websocket=6000",
	       "tcp h 5901-5901 -vnc;tcp h 6000-6000 -vnc");
	expect("-spice port=5930,addr=10.0.0.1,tls-port=5931",
	       "tcp 10.0.0.1 5930-5930 -spice;tcp 10.0.0.1 5931-5931 -spice");
	expect("-vnc none -vnc unix:/s -vnc h:5500,reverse=on", "");
	expect("-spice unix=on,addr=/s", "");
}

TEST(a_character_device_takes_one)
{
	expect("-chardev socket,id=c,host=h,port=1,server=on,wait=off",
	       "tcp h 1-1 -chardev");
	expect("-chardev socket,id=c,host=h,port=1,server=on,to=4",
	       "tcp h 1-4 -chardev");
	expect("-chardev socket,id=c,host=h,port=1", "");
	expect("-chardev socket,id=c,path=/s,server=on", "");
	expect("-chardev udp,id=c,host=h,port=1,localport=7",
	       "udp * 7-7 -chardev");
	expect("-serial tcp::4444,server,nowait", "tcp * 4444-4444 -serial");
	expect("-serial mon:telnet:127.0.0.1:4,server=on",
	       "tcp 127.0.0.1 4-4 -serial");
	expect("-serial tcp:h:4", "");
	expect("-serial udp:h:1@:2 -qmp tcp::5,server",
	       "udp * 2-2 -serial;tcp * 5-5 -qmp");
	expect("-gdb tcp::9 -s", "tcp * 9-9 -gdb;tcp * 1234-1234 -s");
}

TEST(a_network_takes_those_that_it_forwards)
{
	expect("-netdev user,id=n,hostfwd=tcp::2222-:22,"
	       "hostfwd=udp:127.0.0.1:53-:53",
	       "tcp * 2222-2222 hostfwd of -netdev;"
	       "udp 127.0.0.1 53-53 hostfwd of -netdev");
	expect("-nic user,hostfwd=::80-:80", "tcp * 80-80 hostfwd of -nic");
	expect("-nic user,hostfwd=tcp::0-:80", "");
	expect("-netdev user,id=n,hostfwd=unix:/s-:22", "");
	expect("-netdev socket,id=n,listen=:1234", "tcp * 1234-1234 -netdev");
	expect("-netdev stream,id=n,server=on,addr.type=inet,addr.host=h,"
	       "addr.port=5",
	       "tcp h 5-5 -netdev");
	expect("-netdev dgram,id=n,local.type=inet,local.host=h,local.port=5",
	       "udp h 5-5 -netdev");
}

TEST(what_is_no_port_is_none)
{
	expect("-vnc :70000 -vnc :99999999999 -vnc :-1 -vnc :", "");
	expect("-serial tcp:::::,server -serial tcp:,server -gdb x", "");
	expect("-chardev socket,host=h,port=65536,server=on", "");
	expect("-netdev user,id=n,hostfwd=-,hostfwd=:-,hostfwd=tcp:x-", "");
	expect("-vnc -serial -spice", "");
}

static void expect_words(void (*read)(const struct strv *, struct strv *),
			 const char *words, const char *expected)
{
	AUTO_STRV struct strv argv = { .v = NULL };
	AUTO_STRV struct strv l = { .v = NULL };
	AUTO_FREE char *got = NULL;

	strv_push(&argv, "qemu");
	argv_case_split(words, &argv);
	read(&argv, &l);
	got = strv_join(&l, " ");
	assert_string_equal(got ? got : "", expected);
}

TEST(consoles_on_the_terminal_are_named)
{
	expect_words(argv_listen_terminals,
		     "-serial stdio -serial mon:stdio -chardev stdio,id=c",
		     "-serial -chardev");
	expect_words(argv_listen_terminals, "-nographic", "-nographic");
	expect_words(argv_listen_terminals, "-nographic -serial null", "");
	expect_words(argv_listen_terminals, "-nographic -nodefaults", "");
	expect_words(argv_listen_terminals,
		     "-serial unix:/s,server=on -monitor none", "");
}

TEST(displays_whose_password_is_set_later_are_named)
{
	expect_words(argv_listen_passwords, "-vnc :1,password=on", "vnc");
	expect_words(argv_listen_passwords, "-display vnc=:1,password", "vnc");
	expect_words(argv_listen_passwords, "-vnc :1 -vnc :2,password=off", "");
	expect_words(argv_listen_passwords,
		     "-vnc :1,password=on,password-secret=s", "");
	expect_words(argv_listen_passwords, "-spice port=1", "spice");
	expect_words(argv_listen_passwords,
		     "-spice port=1,disable-ticketing=on", "");
	expect_words(argv_listen_passwords, "-spice port=1,password-secret=s",
		     "");
}

static void expect_clients(const char *words, const char *expected)
{
	AUTO_STRV struct strv argv = { .v = NULL };
	AUTO_STRV struct strv all = { .v = NULL };
	AUTO_FREE char *got = NULL;
	struct argv_clients l;

	strv_push(&argv, "qemu");
	argv_case_split(words, &argv);
	argv_listen_clients(&argv, &l);
	for (size_t i = 0; i < l.n; i++)
		strv_pushf(&all, "%s %s%s%s", l.v[i].path, l.v[i].option,
			   l.v[i].retries ? " retries" : "",
			   l.v[i].network ? " network" : "");
	got = strv_join(&all, ";");
	assert_string_equal(got ? got : "", expected);
	argv_listen_clients_free(&l);
}

TEST(sockets_that_it_connects_to_are_listed)
{
	expect_clients("-chardev socket,id=c,path=/a "
		       "-netdev stream,id=n,server=off,addr.type=unix,"
		       "addr.path=/p,reconnect=3 "
		       "-serial unix:/s -monitor unix:/m,server=on",
		       "/a -chardev;/p -netdev retries network;/s -serial");
	expect_clients("-chardev socket,id=c,path=/a,server=on "
		       "-chardev socket,id=d,path=x,abstract=on "
		       "-chardev socket,id=e,host=h,port=1 "
		       "-chardev socket,id=f,path= "
		       "-netdev stream,id=n,addr.type=inet,addr.host=h,"
		       "addr.port=1 -chardev pipe,id=g,path=/p",
		       "");
}
