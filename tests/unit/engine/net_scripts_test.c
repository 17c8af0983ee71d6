/* SPDX-License-Identifier: MIT */
/* net_facts.sh in each shell, over trees such as /proc and /sys have. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/in_shells.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

extern const char net_facts_sh[];

TEST_FIXTURE(in_shells_setup, in_shells_teardown);

/* A tap and an uplink in br0, a tap in no bridge, whose name is a pattern. */
static const char tree[] =
	"cd \"$root\" && mkdir -p sys/class/net proc/7/ns proc/7/fd && (\n"
	"cd sys/class/net && mkdir -p br0/bridge br0/brif tap0 eth0 'v*'\n"
	"echo 0x1003 >br0/flags; echo 1500 >br0/mtu\n"
	"echo 0x1303 >tap0/flags; echo 1400 >tap0/mtu; echo 1 >tap0/carrier\n"
	"echo 107 >tap0/owner; echo -1 >tap0/group\n"
	"echo 0x5902 >tap0/tun_flags; echo 0x1002 >'v*/flags'\n"
	"echo 0x1002 >'v*/tun_flags'\n"
	"echo 1 >br0/bridge/vlan_filtering\n"
	"ln -s ../br0 tap0/master; ln -s ../../tap0 br0/brif/tap0\n"
	"ln -s ../../eth0 br0/brif/eth0)\n"
	"mkdir -p proc/7/fdinfo proc/self/ns proc/net\n"
	"printf 'pos: 0\\niff:\\ttap0\\n' >proc/7/fdinfo/11\n"
	"printf 'iff:\\tv*\\n' >proc/7/fdinfo/12\n"
	"printf 'iff:\\ttap0\\n' >proc/7/fdinfo/13\n"
	"echo >proc/7/fdinfo/0\n"
	"ln -s 'net:[1]' proc/7/ns/net; ln -s 'net:[2]' proc/self/ns/net\n"
	"ln -s /dev/null proc/7/fd/1\n"
	"cd /\n";

/* Each shell gets a tree of its own. */
static void expect(const char *words, const char *expected)
{
	AUTO_FREE char *dir = in_shells_path("root");
	AUTO_FREE char *script =
		xasprintf("root=%s; rm -rf \"$root\"; mkdir -p \"$root\"\n"
			  "%s%s%s\n",
			  dir, tree, net_facts_sh, words);

	in_shells(script, expected);
}

TEST(a_tap_is_described_with_its_bridge)
{
	expect("bridge() { printf 'port\\tvlan ids\\n%s\\t 1 PVID Egress "
	       "Untagged\\n\\t 7\\n\\n' \"$4\"; }\nnet_link 0 tap0\n",
	       "0.kind=tun\n0.flags=0x1303\n0.mtu=1400\n0.carrier=1\n"
	       "0.owner=107\n0.group=-1\n0.tun_flags=0x5902\n0.master=br0\n"
	       "0.bridge.kind=bridge\n0.bridge.flags=0x1003\n"
	       "0.bridge.mtu=1500\n0.bridge.filters=1\n"
	       "0.bridge.others=eth0\n0.vlans=1 PVID Egress Untagged,7\n");
}

TEST(vlans_of_a_newer_iproute2_read_the_same)
{
	expect("bridge() { printf 'port              vlan-id  \\n"
	       "tap0              5 PVID Egress Untagged\\n"
	       "                  7\\n'; }\nvlans tap0\n",
	       "5 PVID Egress Untagged,7\n");
}

TEST(what_is_not_there_is_not_described)
{
	expect("net_link 0 tap9; net_link 1 eth0\n", "1.kind=other\n");
}

TEST(taps_of_a_process_are_found)
{
	expect("bridge() { false; }\ntaps_of 7 | grep -v '^found.[01][.]'\n"
	       "taps_of 8; taps_of 7 | grep others\n",
	       "apart=1\nsilent=1\nfound.0=tap0\nfound.1=v*\n"
	       "found.0.bridge.others=eth0\n");
}

TEST(bridges_are_found)
{
	expect("bridges\n", "found.0=br0\nfound.0.kind=bridge\n"
			    "found.0.flags=0x1003\nfound.0.mtu=1500\n"
			    "found.0.filters=1\nfound.0.others=eth0\n");
}

TEST(macs_are_those_that_a_tap_sends_from)
{
	expect("bridge() { cat <<E\n"
	       "33:33:00:00:00:01 dev eth0 self permanent\n"
	       "52:54:00:00:00:01 dev tap0 vlan 7 master br0 extern\n"
	       "52:54:00:00:00:02 dev eth0 master br0\n"
	       "52:54:00:00:00:03 dev tap0 master br0 permanent\n"
	       "52:54:00:00:00:04 dev tap0 master br0\n"
	       "52:54:00:00:00:05 dev tap0 master br0\n"
	       "E\n}\nlearnt 52:54:00:00:00:01 52:54:00:00:00:02 "
	       "52:54:00:00:00:03 52:54:00:00:00:05\n",
	       "alive.0=52:54:00:00:00:01 tap0 br0\n"
	       "alive.1=52:54:00:00:00:05 tap0 br0\n");
}

TEST(sockets_are_those_at_the_ports)
{
	expect("cat >\"$root/proc/net/tcp\" <<E\n"
	       "  sl  local_address rem_address   st tx_queue\n"
	       "   0: 00000000:170D 00000000:0000 0A 00000000:00000000\n"
	       "   1: 0100007F:170D 0100007F:9999 01 00000000:00000000\n"
	       "  12: 0100007F:0016 00000000:0000 0A 00000000:00000000\n"
	       "  13: 0100007F:170E 00000000:0000 0A 00000000:00000000\n"
	       "E\nsockets_at tcp 0A '170D|170E'\nsockets_at udp 07 '0035'\n",
	       "tcp=00000000:170D 0100007F:170E\nudp=\n");
}

TEST(addresses_are_listed)
{
	expect("ip() { cat <<E\n"
	       "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft\n"
	       "2: e0    inet 10.0.0.1 peer 10.0.0.2/32 scope global e0\n"
	       "2: e0    inet6 fd00::1/64 scope global\n"
	       "E\n}\naddresses\n",
	       "addresses=127.0.0.1 10.0.0.1 fd00::1\n");
}

/* What the helper's rules say to br0. */
static void expect_acl(const char *rules, const char *expected)
{
	AUTO_FREE char *words =
		xasprintf("mkdir -p \"$root/etc/qemu\"\n"
			  "printf 'allow br0\\n' >\"$root/more\"\n"
			  "printf '%s' >\"$root/etc/qemu/bridge.conf\"\n"
			  "acl br0 3\n",
			  rules);

	expect(words, expected);
}

TEST(the_rules_of_the_helper_are_followed)
{
	expect("acl br0 3\n", "");
	expect_acl("# allow br0\\n", "acl.3=deny\n");
	expect_acl("allow br0\\n", "acl.3=allow\n");
	expect_acl("  allow  all\\n", "acl.3=allow\n");
	expect_acl("allow br01\\nallow br\\n", "acl.3=deny\n");
	expect_acl("allow all\\ndeny br0\\n", "acl.3=deny\n");
	expect_acl("deny all\\nallow br0\\n", "acl.3=deny\n");
	expect_acl("include /more\\n", "acl.3=allow\n");
	expect_acl("include /etc/qemu/bridge.conf\\n", "acl.3=deny\n");
}

TEST(the_rights_of_the_device_are_read)
{
	expect("mkdir -p \"$root/dev/net\"; : >\"$root/dev/net/tun\"\n"
	       "chmod 660 \"$root/dev/net/tun\"; net_tun | cut -d ' ' -f 1\n",
	       "tun=660\n");
}
