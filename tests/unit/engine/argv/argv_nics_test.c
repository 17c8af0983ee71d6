/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_nics.c. */
#include "engine/argv/argv_nics.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/argv_case.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static void read(const char *words, struct argv_nics *out)
{
	AUTO_STRV struct strv argv = { .v = NULL };

	argv_case_split(words, &argv);
	argv_nics_read(&argv, out);
}

/* "KIND ID MAC IFNAME BRIDGE FLAGS" of each, by ';'. */
static void expect(const char *words, const char *expected)
{
	static const char *const kinds[] = {
		[ARGV_NIC_TAP] = "tap",	    [ARGV_NIC_BRIDGE] = "bridge",
		[ARGV_NIC_USER] = "user",   [ARGV_NIC_PASST] = "passt",
		[ARGV_NIC_OTHER] = "other",
	};
	struct argv_nics l;
	AUTO_STRV struct strv all = { .v = NULL };
	AUTO_FREE char *got = NULL;

	read(words, &l);
	for (size_t i = 0; i < l.n; i++) {
		const struct argv_nic *n = &l.v[i];

		strv_pushf(&all, "%s %s %s %s %s %s%s%s", kinds[n->kind],
			   n->id ? n->id : "-", n->mac ? n->mac : "-",
			   n->ifname ? n->ifname : "-",
			   n->bridge ? n->bridge : "-", n->script ? "s" : "",
			   n->queues ? "q" : "", n->implied ? "i" : "");
	}
	got = strv_join(&all, ";");
	assert_string_equal(got ? got : "", expected);
	argv_nics_free(&l);
}

TEST(a_tap_is_found_with_its_card)
{
	expect("qemu -netdev tap,id=n0,ifname=tap0,script=no "
	       "-device virtio-net-pci,netdev=n0,mac=52:54:00:AA:bb:1",
	       "tap n0 52:54:00:aa:bb:01 tap0 - ");
	expect("qemu -nic tap,ifname=tap1,script=no,mac=52:54:00:00:00:07,"
	       "queues=4",
	       "tap - 52:54:00:00:00:07 tap1 - q");
	expect("qemu -net nic,macaddr=52-54-00-00-00-08 -net tap,ifname=t2",
	       "tap - 52:54:00:00:00:08 t2 - s");
	expect("qemu -netdev {\"type\":\"tap\",\"id\":\"n0\",\"ifname\":\"t3\","
	       "\"script\":\"no\"} "
	       "-device {\"driver\":\"e1000\",\"netdev\":\"n0\","
	       "\"mac\":\"52:54:00:00:00:09\"}",
	       "tap n0 52:54:00:00:00:09 t3 - ");
}

TEST(a_helper_has_a_bridge)
{
	expect("qemu -netdev bridge,id=n0 -nodefaults", "bridge n0 - - br0 ");
	expect("qemu -nic bridge,br=lan", "bridge - 52:54:00:12:34:56 - lan ");
	expect("qemu -netdev tap,id=n0,helper=/h,br=lan", "bridge n0 - - lan ");
}

TEST(cards_without_a_mac_have_those_of_qemu)
{
	expect("qemu -netdev user,id=a -netdev user,id=b -netdev user,id=c "
	       "-device e1000,netdev=a "
	       "-device e1000,netdev=b,mac=52:54:00:12:34:57 "
	       "-device e1000,netdev=c",
	       "user a 52:54:00:12:34:56 - - ;user b 52:54:00:12:34:57 - - ;"
	       "user c 52:54:00:12:34:58 - - ");
	/* those of -nic are made first */
	expect("qemu -netdev user,id=a -device e1000,netdev=a -nic user",
	       "user a 52:54:00:12:34:57 - - ;user - 52:54:00:12:34:56 - - ");
}

TEST(without_an_option_a_board_has_a_user_network)
{
	expect("qemu -m 1G", "user - 52:54:00:12:34:56 - - i");
	expect("qemu -nodefaults", "");
	expect("qemu -nic none", "");
	expect("qemu -net none", "");
	expect("qemu -M microvm", "");
	expect("qemu -machine type=none", "");
}

TEST(kinds_are_kept_apart)
{
	expect("qemu -netdev passt,id=p -netdev "
	       "stream,id=s,addr.type=unix,addr.path=/p -nic user",
	       "passt p - - - ;other s - - - ;user - 52:54:00:12:34:56 - - ");
}

TEST(what_is_no_interface_is_not_asked_for)
{
	expect("qemu -netdev tap,id=n0,ifname=../../x,script=no -nodefaults",
	       "tap n0 - - - ");
	assert_true(argv_nics_is_ifname("vnet0.1"));
	assert_false(argv_nics_is_ifname(""));
	assert_false(argv_nics_is_ifname("."));
	assert_false(argv_nics_is_ifname("a b"));
	assert_false(argv_nics_is_ifname("a\nb"));
	assert_false(argv_nics_is_ifname("a/b"));
	assert_false(argv_nics_is_ifname("0123456789abcdef"));
}

TEST(what_is_no_mac_is_none)
{
	static const char *const bad[] = {
		"",
		"52:54:00:12:34",
		"52:54:00:12:34:56:78",
		"52:54:00:12:34:-1",
		"52:54:00:12:34: 6",
		"0x2:54:00:12:34:56",
		"52:54:00:12:34:567",
		"$(id)",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_null(argv_nics_mac(bad[i]));
}
