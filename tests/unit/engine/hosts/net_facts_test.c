/* SPDX-License-Identifier: MIT */
/* net_facts: what the script finds on this machine, and hostile answers. */
#include "engine/hosts/net_facts.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/host_open.h"

static void parse(const char *text, const char *link, struct net_facts *out)
{
	AUTO_STRV struct strv links = { .v = NULL };

	strv_push(&links, link);
	net_facts_parse(text, &links, out);
}

TEST(a_tap_is_read_with_its_bridge)
{
	struct net_facts f;
	const struct net_link *l;

	parse("0.kind=tun\n0.flags=0x1303\n0.mtu=1450\n0.carrier=1\n"
	      "0.owner=107\n0.group=-1\n0.tun_flags=0x5902\n0.master=br0\n"
	      "0.bridge.kind=bridge\n0.bridge.flags=0x1003\n"
	      "0.bridge.mtu=9000\n0.bridge.filters=1\n"
	      "0.bridge.others=eth0 eth1\n0.vlans=1 PVID Egress Untagged,7\n",
	      "tap0", &f);
	l = net_facts_link(&f, "tap0");
	assert_non_null(l);
	assert_int_equal(l->self.kind, NET_TAP);
	assert_true(l->self.up && l->self.carrier && l->self.many_queues);
	assert_int_equal(l->self.mtu, 1450);
	assert_int_equal(l->self.owner, 107);
	assert_int_equal(l->self.group, -1);
	assert_string_equal(l->master, "br0");
	assert_int_equal(l->bridge.kind, NET_BRIDGE);
	assert_int_equal(l->bridge.mtu, 9000);
	assert_int_equal(l->bridge.filters, 1);
	assert_string_equal(l->bridge.others, "eth0 eth1");
	assert_string_equal(l->vlans, "1 PVID Egress Untagged,7");
	net_facts_free(&f);
}

TEST(what_has_no_line_is_not_known)
{
	struct net_facts f;

	parse("", "tap0", &f);
	assert_null(net_facts_link(&f, "tap0"));
	assert_int_equal(f.asked[0].self.owner, -1);
	assert_int_equal(f.asked[0].self.filters, -1);
	assert_null(f.asked[0].master);
	assert_false(f.apart || f.silent);
	assert_int_equal(f.tun_mode, -1);
	assert_int_equal(f.asked[0].helper, -1);
	net_facts_free(&f);
}

TEST(a_tun_is_no_tap)
{
	struct net_facts f;

	parse("0.kind=tun\n0.tun_flags=0x1001\n", "tun0", &f);
	assert_int_equal(f.asked[0].self.kind, NET_OTHER);
	net_facts_free(&f);
}

TEST(rights_are_read)
{
	struct net_facts f;

	parse("tun=660 0 36\nacl.0=allow\n", "br0", &f);
	assert_int_equal(f.tun_mode, 0660);
	assert_int_equal(f.tun_uid, 0);
	assert_int_equal(f.tun_gid, 36);
	assert_int_equal(f.asked[0].helper, 1);
	net_facts_free(&f);
	parse("tun=rw 0 0\nacl.0=deny\n", "br0", &f);
	assert_int_equal(f.tun_mode, -1);
	assert_int_equal(f.asked[0].helper, 0);
	net_facts_free(&f);
}

TEST(hostile_answers_are_read_as_text)
{
	struct net_facts f;
	const struct net_link *l;

	parse("0.kind=tun\n0.mtu=99999999999999999999\n0.owner=-5\n"
	      "0.flags=up\n0.group=\n0.tun_flags=0x\n"
	      "0.master=br\x1b[2J\x07\n0.bridge.filters=x\n"
	      "found.0=\xff\n0.vlans=\nalive.0=\nalive.2=late\n"
	      "tcp=  :::: 0:0 GGGGGGGG:1F90 00000000:1F90\r\n",
	      "tap0", &f);
	l = net_facts_link(&f, "tap0");
	assert_int_equal(l->self.mtu, 0);
	assert_int_equal(l->self.owner, -1);
	assert_int_equal(l->self.group, -1);
	assert_false(l->self.up || l->self.many_queues);
	assert_string_equal(l->master, "br?[2J?");
	assert_int_equal(l->bridge.kind, NET_MISSING);
	assert_null(l->vlans);
	assert_int_equal(f.n_found, 1);
	assert_int_equal(f.alive.n, 1);
	assert_null(net_facts_alive(&f, "52:54:00:12:34:56"));
	assert_int_equal(net_facts_taken(&f, false, "", 8080), NET_YES);
	assert_int_equal(net_facts_taken(&f, false, "", 0), NET_NO);
	net_facts_free(&f);
}

TEST(a_mac_that_was_learnt_has_its_tap)
{
	struct net_facts f;

	parse("alive.0=52:54:00:12:34:56 tap5 br0\n"
	      "alive.1=52:54:00:00:00:01 tap6 br1\n",
	      "tap0", &f);
	assert_string_equal(net_facts_alive(&f, "52:54:00:00:00:01"),
			    "tap6 br1");
	assert_null(net_facts_alive(&f, "52:54:00:00:00:0"));
	net_facts_free(&f);
}

TEST(a_port_is_taken_where_addresses_meet)
{
	static const struct {
		const char *socket, *host;
		enum net_answer taken;
	} rows[] = {
		{ "00000000:1F90", "", NET_YES },
		{ "00000000:1F90", "127.0.0.1", NET_YES },
		{ "00000000:1F91", "", NET_NO },
		{ "0100007F:1F90", "", NET_YES },
		{ "0100007F:1F90", "0.0.0.0", NET_YES },
		{ "0100007F:1F90", "localhost", NET_YES },
		{ "0100007F:1F90", "10.0.0.1", NET_NO },
		{ "0100007F:1F90", "a.example", NET_UNKNOWN },
		{ "00000000:1F90", "a.example", NET_YES },
		{ "00000000000000000000000000000000:1F90", "10.0.0.1",
		  NET_YES },
		{ "00000000000000000000000001000000:1F90", "::1", NET_YES },
		{ "00000000000000000000000001000000:1F90", "0.0.0.0", NET_NO },
		{ "00000000000000000000000001000000:1F90", "::", NET_YES },
		{ "0000000000000000FFFF00000100007F:1F90", "127.0.0.1",
		  NET_YES },
	};

	if (htonl(1) == 1)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE char *text = xasprintf("tcp=%s\n", rows[i].socket);
		struct net_facts f;

		parse(text, "tap0", &f);
		if (net_facts_taken(&f, false, rows[i].host, 8080) !=
		    rows[i].taken)
			fail_msg("row %zu: %s %s", i, rows[i].socket,
				 rows[i].host);
		assert_int_equal(net_facts_taken(&f, true, "", 8080), NET_NO);
		net_facts_free(&f);
	}
}

TEST(an_address_is_the_hosts_or_not)
{
	struct net_facts f;

	parse("addresses=10.0.0.1 fd00::2\n", "tap0", &f);
	assert_int_equal(net_facts_has_address(&f, "10.0.0.1"), NET_YES);
	assert_int_equal(net_facts_has_address(&f, "fd00:0::2"), NET_YES);
	assert_int_equal(net_facts_has_address(&f, "127.0.0.5"), NET_YES);
	assert_int_equal(net_facts_has_address(&f, "::"), NET_YES);
	assert_int_equal(net_facts_has_address(&f, "10.0.0.2"), NET_NO);
	assert_int_equal(net_facts_has_address(&f, "a.example"), NET_UNKNOWN);
	assert_int_equal(net_facts_has_address(&f, ""), NET_UNKNOWN);
	net_facts_free(&f);
	parse("", "tap0", &f);
	assert_int_equal(net_facts_has_address(&f, "10.0.0.2"), NET_UNKNOWN);
	net_facts_free(&f);
}

/* A socket that listens on 127.0.0.1; its port is in *port. */
static int listen_here(unsigned int *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

IN_TASK(what_listens_here_is_seen)
{
	struct host *h = host_local_new();
	struct net_asker a = { .pid = getpid() };
	struct net_facts f;
	AUTO_ERR struct err e = { 0 };
	unsigned int port;
	int fd = listen_here(&port);

	strv_push(&a.links, "lo");
	strv_push(&a.links, "it's $HOME");
	strv_push(&a.macs, "52:54:00:12:34:56");
	strv_pushf(&a.tcp, "%04X", port);
	strv_pushf(&a.udp, "%04X", port);
	if (net_facts_ask(h, &a, &f, IN_TASK_SOON, &e) < 0)
		fail_with_err(&e);
	assert_int_equal(net_facts_link(&f, "lo")->self.kind, NET_OTHER);
	assert_true(net_facts_link(&f, "lo")->self.mtu > 0);
	assert_null(net_facts_link(&f, "it's $HOME"));
	assert_false(f.apart);
	assert_int_equal(net_facts_taken(&f, false, "", port), NET_YES);
	assert_int_equal(net_facts_taken(&f, true, "", port), NET_NO);
	assert_int_equal(net_facts_has_address(&f, "192.0.2.254"),
			 f.addresses.n ? NET_NO : NET_UNKNOWN);
	close(fd);
	net_facts_free(&f);
	net_asker_free(&a);
	host_close(h);
}
