/* SPDX-License-Identifier: MIT */
/* preflight_net: what the checks say to what was gathered. */
#include "engine/run/preflight_net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/run/migrate_options.h"
#include "engine/run/preflight.h"
#include "tests/unit/argv_case.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/host_open.h"

static struct migrate_options opt;
static struct run r;
static struct preflight p;

static int setup(void **state)
{
	(void)state;
	opt = (struct migrate_options){ .n_remaps = 0 };
	r = (struct run){ .opt = &opt };
	p = (struct preflight){ .r = &r };
	r.dst.host = host_local_new();
	r.src.facts.namespaces = xstrdup("here");
	r.dst.facts.namespaces = xstrdup("there");
	r.source.guest.user = xstrdup("root");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	preflight_net_free(&p);
	checks_free(&r.checks);
	strv_free(&r.source.facts.argv);
	strv_free(&r.dest.plan.argv);
	free(r.source.guest.user);
	free(r.src.facts.namespaces);
	free(r.dst.facts.namespaces);
	host_close(r.dst.host);
	return 0;
}

TEST_FIXTURE(setup, teardown);

/* A guest with these words in its command line, here and there. */
static void guest(const char *words)
{
	for (int side = 0; side < 2; side++) {
		struct strv *argv = side ? &r.dest.plan.argv
					 : &r.source.facts.argv;

		strv_push(argv, "qemu");
		strv_push(argv, "-nodefaults");
		argv_case_split(words, argv);
	}
	preflight_net_read(&p);
}

static const char a_tap[] = "-netdev tap,id=n0,ifname=tap0,script=no "
			    "-device e1000,netdev=n0";

/* What the script answered; the first link is the first one asked for. */
static void answers(const char *link, const char *here, const char *there)
{
	AUTO_STRV struct strv links = { .v = NULL };

	strv_push(&links, link);
	net_facts_parse(here, &links, &p.net.here);
	net_facts_parse(there, &links, &p.net.there);
}

static void check_all(void)
{
	preflight_net_tap_check(&p);
	preflight_net_check_macs(&p);
	preflight_net_check_ports(&p);
	preflight_net_check_rest(&p);
}

#define UP_IN_BR0                                                      \
	"0.kind=tun\n0.flags=0x1003\n0.mtu=1500\n0.tun_flags=0x1802\n" \
	"0.owner=-1\n0.group=-1\n0.master=br0\n0.bridge.kind=bridge\n" \
	"0.bridge.flags=0x1003\n0.bridge.mtu=1500\n0.bridge.others=eth0\n"
#define BR0                                                        \
	"found.0=br0\nfound.0.kind=bridge\nfound.0.flags=0x1003\n" \
	"found.0.others=eth0\n"

static void expect(size_t i, const char *name, enum check_verdict verdict,
		   const char *found, const char *remedy)
{
	const struct check *c = &r.checks.v[i];

	assert_true(i < r.checks.n);
	assert_string_equal(c->name, name);
	assert_true(migrate_options_check_known(name));
	if (!strstr(c->found, found))
		fail_msg("\"%s\" is not in \"%s\"", found, c->found);
	assert_int_equal(c->verdict, verdict);
	if (!remedy)
		assert_null(c->remedy);
	else if (strcmp(c->remedy, remedy) != 0)
		fail_msg("the remedy is \"%s\"", c->remedy);
}

static void expect_tap(const char *here, const char *there,
		       enum check_verdict verdict, const char *found,
		       const char *remedy)
{
	guest(a_tap);
	answers("tap0", here, there);
	check_all();
	assert_int_equal(r.checks.n, 1);
	expect(0, "tap", verdict, found, remedy);
}

/* --- taps ----------------------------------------------------------------- */

TEST(a_tap_that_is_the_same_passes)
{
	expect_tap(UP_IN_BR0, UP_IN_BR0 BR0, CHECK_PASS, "tap0 is up in br0",
		   NULL);
}

TEST(one_that_qemu_would_make_is_refused)
{
	expect_tap(UP_IN_BR0, BR0, CHECK_FAIL,
		   "tap0, which is up in bridge br0 here, is not on",
		   "ip tuntap add dev tap0 mode tap && "
		   "ip link set dev tap0 master br0 up");
}

TEST(the_users_own_is_made_for_the_user)
{
	r.source.guest.uid = 107;
	free(r.source.guest.user);
	r.source.guest.user = xstrdup("o'neill");
	expect_tap(UP_IN_BR0, BR0, CHECK_FAIL, "o'neill may not make it",
		   "ip tuntap add dev tap0 mode tap user 'o'\\''neill' && "
		   "ip link set dev tap0 master br0 up");
}

TEST(a_bridge_is_made_with_it)
{
	expect_tap(UP_IN_BR0, "", CHECK_FAIL, "is not on",
		   "ip link add name br0 type bridge && "
		   "ip link set dev br0 up && "
		   "ip tuntap add dev tap0 mode tap && "
		   "ip link set dev tap0 master br0 up # and the interface "
		   "that leads to its network: ip link set dev ... master br0");
}

TEST(one_that_is_down_is_refused)
{
	expect_tap(UP_IN_BR0,
		   "0.kind=tun\n0.flags=0x1002\n0.mtu=1500\n0.master=br0\n"
		   "0.bridge.kind=bridge\n0.bridge.flags=0x1003\n" BR0,
		   CHECK_FAIL, "tap0 on", "ip link set dev tap0 up");
	assert_non_null(strstr(r.checks.v[0].found, "is down"));
}

TEST(one_in_no_bridge_is_refused)
{
	expect_tap(UP_IN_BR0, "0.kind=tun\n0.flags=0x1003\n0.mtu=1500\n" BR0,
		   CHECK_FAIL, "is in no bridge; here it is in br0",
		   "ip link set dev tap0 master br0 up");
}

TEST(one_in_another_bridge_is_warned_of)
{
	expect_tap(UP_IN_BR0,
		   "0.kind=tun\n0.flags=0x1003\n0.mtu=1500\n0.master=br1\n"
		   "0.bridge.kind=bridge\n0.bridge.flags=0x1003\n"
		   "0.bridge.others=eth0\n" BR0,
		   CHECK_WARN, "tap0 is in br1 on",
		   "ip link set dev tap0 master br0");
}

TEST(another_bridge_may_be_the_only_one)
{
	expect_tap(UP_IN_BR0,
		   "0.kind=tun\n0.flags=0x1003\n0.mtu=1500\n0.master=br1\n"
		   "0.bridge.kind=bridge\n0.bridge.flags=0x1003\n"
		   "0.bridge.others=eth0\n",
		   CHECK_WARN, "whether both lead to the same network",
		   "make sure that they do");
}

TEST(one_whose_bridge_is_down_is_refused)
{
	expect_tap(UP_IN_BR0,
		   "0.kind=tun\n0.flags=0x1003\n0.mtu=1500\n0.master=br0\n"
		   "0.bridge.kind=bridge\n0.bridge.flags=0x1002\n"
		   "found.0=br0\nfound.0.kind=bridge\nfound.0.flags=0x1002\n",
		   CHECK_FAIL, "bridge br0 on",
		   "ip link set dev br0 up && ip link set dev tap0 up");
}

TEST(another_mtu_is_warned_of)
{
	expect_tap("0.mtu=9000\n" UP_IN_BR0, UP_IN_BR0 BR0, CHECK_WARN,
		   "has the MTU 1500 on", "ip link set dev tap0 mtu 9000");
}

TEST(the_mtu_is_part_of_the_remedy)
{
	expect_tap("0.mtu=9000\n" UP_IN_BR0, BR0, CHECK_FAIL, "is not on",
		   "ip tuntap add dev tap0 mode tap && "
		   "ip link set dev tap0 mtu 9000 master br0 up");
}

TEST(a_bridge_that_leads_nowhere_is_warned_of)
{
	guest(a_tap);
	answers("tap0", UP_IN_BR0, "0.bridge.others=\n" UP_IN_BR0 BR0);
	check_all();
	expect(0, "bridge", CHECK_WARN, "has no port that leads to a network",
	       "ip link set dev ... master br0, with the interface that leads "
	       "to the guest's network");
}

TEST(other_vlans_are_refused)
{
	expect_tap("0.bridge.filters=1\n0.vlans=5 PVID Egress "
		   "Untagged,7\n" UP_IN_BR0,
		   "0.bridge.filters=1\n0.vlans=1 PVID Egress Untagged\n"
		   "found.0.filters=1\n" UP_IN_BR0 BR0,
		   CHECK_FAIL, "is in other VLANs",
		   "ip link set dev tap0 up && "
		   "bridge vlan del dev tap0 vid 1 && "
		   "bridge vlan add dev tap0 vid 5 pvid untagged && "
		   "bridge vlan add dev tap0 vid 7");
}

TEST(the_same_vlans_pass)
{
	expect_tap("0.bridge.filters=1\n0.vlans=5 PVID Egress "
		   "Untagged\n" UP_IN_BR0,
		   "0.bridge.filters=1\n0.vlans=5 PVID Egress Untagged\n"
		   "found.0.filters=1\n" UP_IN_BR0 BR0,
		   CHECK_PASS, "tap0 is up in br0", NULL);
}

TEST(a_bridge_that_mixes_vlans_is_warned_of)
{
	expect_tap("0.bridge.filters=1\n" UP_IN_BR0,
		   "0.bridge.filters=0\n" UP_IN_BR0 BR0, CHECK_WARN,
		   "keeps VLANs apart here",
		   "ip link set dev br0 type bridge vlan_filtering 1, and give "
		   "its ports their VLANs");
}

TEST(vlans_that_are_no_numbers_get_into_no_command)
{
	expect_tap("0.bridge.filters=1\n0.vlans=$(id),5;id,6 PVID\n" UP_IN_BR0,
		   "0.bridge.filters=1\n0.vlans=\nfound.0.filters=1\n" UP_IN_BR0
			   BR0,
		   CHECK_FAIL, "is in other VLANs",
		   "ip link set dev tap0 up && "
		   "bridge vlan del dev tap0 vid 1 && "
		   "bridge vlan add dev tap0 vid 6 pvid");
}

TEST(one_of_another_user_is_made_anew)
{
	r.source.guest.uid = 107;
	free(r.source.guest.user);
	r.source.guest.user = xstrdup("qemu");
	p.account.known = true;
	p.account.uid = 107;
	expect_tap("0.owner=107\n" UP_IN_BR0, "0.owner=5\n" UP_IN_BR0 BR0,
		   CHECK_FAIL, "belongs to another user",
		   "ip link del dev tap0 && "
		   "ip tuntap add dev tap0 mode tap user qemu && "
		   "ip link set dev tap0 master br0 up");
}

TEST(a_user_has_to_open_the_device)
{
	r.source.guest.uid = 107;
	free(r.source.guest.user);
	r.source.guest.user = xstrdup("qemu");
	p.account.known = true;
	p.account.uid = 107;
	expect_tap(UP_IN_BR0, "tun=660 0 0\n" UP_IN_BR0 BR0, CHECK_FAIL,
		   "qemu may not open /dev/net/tun on",
		   "chmod 666 /dev/net/tun && ip link set dev tap0 up");
}

TEST(a_user_may_own_the_device)
{
	r.source.guest.uid = 107;
	p.account.known = true;
	p.account.uid = 107;
	expect_tap(UP_IN_BR0, "tun=660 107 0\n" UP_IN_BR0 BR0, CHECK_PASS,
		   "is up in br0", NULL);
}

TEST(one_of_the_guests_user_passes)
{
	r.source.guest.uid = 107;
	p.account.known = true;
	p.account.uid = 108;
	expect_tap("0.owner=107\n" UP_IN_BR0, "0.owner=108\n" UP_IN_BR0 BR0,
		   CHECK_PASS, "is up in br0", NULL);
}

TEST(another_number_of_queues_is_refused)
{
	expect_tap(UP_IN_BR0, "0.tun_flags=0x1902\n" UP_IN_BR0 BR0, CHECK_FAIL,
		   "was made with multi_queue",
		   "ip link del dev tap0 && ip tuntap add dev tap0 mode tap && "
		   "ip link set dev tap0 master br0 up");
}

TEST(one_that_is_no_tap_is_refused)
{
	expect_tap(UP_IN_BR0, "0.kind=other\n0.flags=0x1003\n" BR0, CHECK_FAIL,
		   "is no tap",
		   "ip link del dev tap0 && ip tuntap add dev tap0 mode tap && "
		   "ip link set dev tap0 master br0 up");
}

TEST(one_that_is_open_is_refused)
{
	expect_tap("0.carrier=1\n" UP_IN_BR0, "0.carrier=1\n" UP_IN_BR0 BR0,
		   CHECK_FAIL, "tap0 is in use on",
		   "grep -l 'iff:.*tap0$' /proc/[0-9]*/fdinfo/* shows there "
		   "what has it: end that, or give the guest another ifname= "
		   "with --dest-args");
}

TEST(a_routed_tap_needs_no_bridge)
{
	expect_tap("0.kind=tun\n0.flags=0x1003\n", "", CHECK_FAIL,
		   "tap0, which is up here, is not on",
		   "ip tuntap add dev tap0 mode tap && "
		   "ip link set dev tap0 up");
}

TEST(what_has_no_network_here_loses_none)
{
	guest(a_tap);
	answers("tap0", "0.kind=tun\n0.flags=0x1002\n", "");
	check_all();
	assert_int_equal(r.checks.n, 0);
}

TEST(a_source_that_says_nothing_is_no_excuse)
{
	expect_tap("", "", CHECK_FAIL, "tap0 is not on",
		   "ip tuntap add dev tap0 mode tap && "
		   "ip link set dev tap0 up");
}

TEST(a_namespace_of_its_own_is_named)
{
	guest(a_tap);
	answers("tap0", "apart=1\n", "");
	check_all();
	assert_int_equal(r.checks.n, 1);
	expect(0, "tap", CHECK_WARN, "in a network namespace of its own",
	       r.checks.v[0].remedy);
}

/* --- bridges -------------------------------------------------------------- */

TEST(a_bridge_of_the_helper_has_to_be_there)
{
	guest("-netdev bridge,id=n0,br=br0 -device e1000,netdev=n0");
	answers("br0", "", "");
	check_all();
	assert_int_equal(r.checks.n, 1);
	expect(0, "bridge", CHECK_FAIL, "no bridge br0 on",
	       "ip link add name br0 type bridge && ip link set dev br0 up # "
	       "and the interface that leads to its network: ip link set dev "
	       "... master br0");
}

TEST(a_bridge_of_the_helper_has_to_be_up)
{
	guest("-nic bridge,br=br0");
	answers("br0", "", "0.kind=bridge\n0.flags=0x1002\n");
	check_all();
	expect(0, "bridge", CHECK_FAIL, "is down", "ip link set dev br0 up");
}

TEST(what_is_no_bridge_is_refused)
{
	guest("-nic bridge,br=br0");
	answers("br0", "", "0.kind=other\n0.flags=0x1003\n");
	check_all();
	assert_int_equal(r.checks.n, 1);
	expect(0, "bridge", CHECK_FAIL, "br0 on",
	       "name the bridge there with --dest-args (br=)");
	assert_non_null(strstr(r.checks.v[0].found, "is no bridge"));
}

TEST(a_bridge_of_the_helper_may_lead_nowhere)
{
	guest("-nic bridge,br=br0");
	answers("br0", "0.kind=bridge\n0.others=eth0\n",
		"0.kind=bridge\n0.flags=0x1003\n0.others=\n");
	check_all();
	assert_int_equal(r.checks.n, 1);
	expect(0, "bridge", CHECK_WARN, "has no port that leads to a network",
	       r.checks.v[0].remedy);
}

TEST(a_bridge_that_is_up_passes)
{
	guest("-nic bridge,br=br0");
	answers("br0", "", "0.kind=bridge\n0.flags=0x1003\n");
	check_all();
	assert_int_equal(r.checks.n, 1);
	expect(0, "bridge", CHECK_PASS, "bridge br0 exists on", NULL);
}

TEST(a_helper_has_to_be_allowed_the_bridge)
{
	guest("-nic bridge,br=br0");
	answers("br0", "acl.0=allow\n0.kind=bridge\n",
		"0.kind=bridge\n0.flags=0x1003\n");
	check_all();
	assert_int_equal(r.checks.n, 1);
	expect(0, "bridge", CHECK_FAIL, "may not use br0, as it may here",
	       "mkdir -p /etc/qemu && echo 'allow br0' "
	       ">>/etc/qemu/bridge.conf # and take a rule that denies it out");
}

TEST(a_helper_that_is_allowed_it_passes)
{
	guest("-nic bridge,br=br0");
	answers("br0", "acl.0=allow\n0.kind=bridge\n",
		"acl.0=allow\n0.kind=bridge\n0.flags=0x1003\n");
	check_all();
	expect(0, "bridge", CHECK_PASS, "bridge br0 exists on", NULL);
}

TEST(a_script_that_finds_no_bridge_is_warned_of)
{
	guest("-netdev tap,id=n0 -device e1000,netdev=n0");
	answers("x",
		"found.0=tap7\nfound.0.kind=tun\nfound.0.flags=0x1003\n"
		"found.0.master=br0\nfound.0.bridge.kind=bridge\n",
		"");
	check_all();
	assert_int_equal(r.checks.n, 1);
	expect(0, "bridge", CHECK_WARN, "is in bridge br0 here",
	       r.checks.v[0].remedy);
}

/* --- MACs ----------------------------------------------------------------- */

static struct guest other;

/* Another guest there, of @uid. */
static void with_other(uid_t uid, const char *words)
{
	other = (struct guest){ .pid = 7, .uid = uid };
	other.name = (char *)"db1";
	strv_push(&other.argv, "qemu");
	argv_case_split(words, &other.argv);
	p.guests.v = &other;
	p.guests.n = 1;
}

static void expect_mac(enum check_verdict verdict, const char *found)
{
	preflight_net_check_macs(&p);
	strv_free(&other.argv);
	if (!found) {
		assert_int_equal(r.checks.n, 0);
		return;
	}
	assert_int_equal(r.checks.n, 1);
	expect(0, "mac", verdict, found,
	       "end that guest, or start one of them with another mac=");
}

TEST(a_mac_of_another_guest_in_the_bridge_is_refused)
{
	with_other(0, "-nic bridge,br=br0");
	guest("-nic bridge,br=br0");
	expect_mac(CHECK_FAIL, "db1 (pid 7) on");
}

TEST(one_in_another_bridge_does_not_matter)
{
	with_other(0, "-nic bridge,br=br1");
	guest("-nic bridge,br=br0");
	expect_mac(CHECK_PASS, NULL);
}

TEST(one_of_a_user_network_does_not_matter)
{
	with_other(0, "-nic user");
	guest("-nic bridge,br=br0");
	expect_mac(CHECK_PASS, NULL);
}

TEST(one_in_an_unknown_bridge_is_warned_of)
{
	with_other(0, "-nic tap");
	guest("-nic bridge,br=br0");
	expect_mac(CHECK_WARN, "has the MAC 52:54:00:12:34:56, too");
}

TEST(what_another_user_claims_is_no_proof)
{
	with_other(1000, "-nic bridge,br=br0");
	guest("-nic bridge,br=br0");
	expect_mac(CHECK_WARN, "in the same bridge br0");
}

TEST(the_source_itself_is_no_other_guest)
{
	with_other(0, "-nic bridge,br=br0");
	p.same_pids = true;
	r.source.guest.pid = 7;
	guest("-nic bridge,br=br0");
	expect_mac(CHECK_PASS, NULL);
}

TEST(a_mac_that_a_bridge_has_learnt_is_refused)
{
	guest("-nic bridge,br=br0");
	answers("br0", "", "alive.0=52:54:00:12:34:56 tap5 br0\n");
	expect_mac(CHECK_FAIL, "a bridge has learnt it from tap5");
}

TEST(one_that_another_bridge_has_learnt_does_not_matter)
{
	guest("-nic bridge,br=br0");
	answers("br0", "", "alive.0=52:54:00:12:34:56 tap5 br1\n");
	expect_mac(CHECK_PASS, NULL);
}

/* --- ports ---------------------------------------------------------------- */

static void expect_port(const char *words, const char *answer,
			enum check_verdict verdict, const char *found)
{
	guest(words);
	answers("x", "", answer);
	preflight_net_check_ports(&p);
	assert_int_equal(r.checks.n, 1);
	expect(0, "port", verdict, found, r.checks.v[0].remedy);
}

TEST(a_port_that_is_taken_is_refused)
{
	expect_port("-vnc :1", "tcp=00000000:170D\n", CHECK_FAIL,
		    "TCP port 5901 of every address, where -vnc is to listen, "
		    "is taken on");
	assert_string_equal(r.checks.v[0].remedy,
			    "ss -tlnp 'sport = :5901' shows there who has it: "
			    "end that, or give the guest another port with "
			    "--dest-args");
}

TEST(a_port_that_is_free_passes)
{
	expect_port("-vnc :1", "tcp=00000000:170E\n", CHECK_PASS, "is free on");
}

TEST(a_forwarded_port_is_one)
{
	expect_port("-nic user,hostfwd=udp::53-:53", "udp=00000000:0035\n",
		    CHECK_FAIL, "where hostfwd of -nic is to listen");
}

TEST(who_has_a_udp_port_is_asked_for_as_such)
{
	expect_port("-serial udp:h:1@:53", "udp=00000000:0035\n", CHECK_FAIL,
		    "UDP port 53 of every address");
	assert_non_null(strstr(r.checks.v[0].remedy, "ss -ulnp"));
}

TEST(one_of_many_is_enough)
{
	expect_port("-vnc :1,to=2", "tcp=00000000:170D\n", CHECK_WARN,
		    "-vnc will listen on another one, up to 5902");
}

TEST(all_of_them_taken_are_refused)
{
	expect_port("-vnc :1,to=2", "tcp=00000000:170D 00000000:170E\n",
		    CHECK_FAIL, "each of the TCP ports 5901 to 5902");
}

TEST(a_name_of_a_host_is_in_doubt)
{
	expect_port("-vnc a.example:1", "tcp=0100007F:170D\n", CHECK_WARN,
		    "may be taken");
}

TEST(an_address_that_is_not_there_is_refused)
{
	expect_port("-vnc 10.0.0.1:1", "addresses=10.0.0.2\n", CHECK_FAIL,
		    "has no address 10.0.0.1, where -vnc is to listen");
}

/* --- sockets -------------------------------------------------------------- */

static void expect_socket(const char *words, enum name_use use,
			  enum check_verdict verdict, const char *found,
			  const char *remedy)
{
	guest(words);
	assert_int_equal(p.net.sockets.n, 1);
	p.net.listeners[0].use = use;
	preflight_net_check_sockets(&p);
	assert_int_equal(r.checks.n, 1);
	expect(0, "socket", verdict, found, remedy);
}

TEST(a_socket_that_a_process_listens_on_passes)
{
	expect_socket("-chardev socket,id=c,path=/s", NAME_LIVE, CHECK_PASS,
		      "a process listens on /s on", NULL);
}

TEST(one_that_nobody_listens_on_is_refused)
{
	expect_socket("-netdev stream,id=n,addr.type=unix,addr.path=/p",
		      NAME_SOCKET, CHECK_FAIL,
		      "/p, which -netdev connects to, is a socket on which "
		      "nobody listens",
		      "start there what listens on it here, such as: passt "
		      "--socket /p");
}

TEST(a_file_in_its_place_is_refused)
{
	r.dest.plan.cwd = (char *)"/srv";
	expect_socket("-chardev socket,id=c,path=s", NAME_FILE, CHECK_FAIL,
		      "/srv/s, which -chardev connects to, is no socket",
		      "start there what listens on /srv/s here");
}

TEST(one_that_qemu_waits_for_is_warned_of)
{
	expect_socket("-chardev socket,id=c,path=/s,reconnect=1", NAME_SOCKET,
		      CHECK_WARN, "nobody listens",
		      "start there what listens on /s here");
}

TEST(one_that_is_in_doubt_is_warned_of)
{
	expect_socket("-chardev socket,id=c,path=/s", NAME_UNKNOWN, CHECK_WARN,
		      "may be", "start there what listens on /s here");
}

TEST(one_that_is_missing_is_another_checks)
{
	guest("-chardev socket,id=c,path=/s");
	p.net.listeners[0].use = NAME_FREE;
	preflight_net_check_sockets(&p);
	assert_int_equal(r.checks.n, 0);
}

/* --- what is left behind -------------------------------------------------- */

static void expect_rest(const char *words, const char *name, const char *found)
{
	guest(words);
	answers("x", "", "");
	preflight_net_check_rest(&p);
	if (!name) {
		assert_int_equal(r.checks.n, 0);
		return;
	}
	assert_int_equal(r.checks.n, 1);
	expect(0, name, CHECK_WARN, found, r.checks.v[0].remedy);
	assert_non_null(r.checks.v[0].remedy);
}

TEST(connections_of_a_user_network_end)
{
	expect_rest("-nic user -nic user", "user-network",
		    "QEMU itself (user network) connects the guest");
}

TEST(those_of_passt_end_too)
{
	expect_rest("-netdev passt,id=p", "user-network", "passt connects");
}

TEST(a_password_that_is_set_later_is_lost)
{
	expect_rest("-vnc :1,password=on", "password", "for -vnc is not known");
	assert_non_null(strstr(r.checks.v[0].remedy,
			       "{\"execute\": \"set_password\", \"arguments\": "
			       "{\"protocol\": \"vnc\", "));
}

TEST(a_console_on_the_terminal_is_lost)
{
	expect_rest("-serial stdio", "console", "(-serial)");
}

TEST(one_that_nobody_sees_is_not)
{
	guest("-serial stdio");
	answers("x", "silent=1\n", "");
	preflight_net_check_rest(&p);
	assert_int_equal(r.checks.n, 0);
}

TEST(a_guest_without_all_that_has_nothing_to_lose)
{
	expect_rest("-vnc :1 -serial unix:/s,server=on", NULL, NULL);
}
