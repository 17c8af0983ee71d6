/* SPDX-License-Identifier: MIT */
/* plugged_net: what the human monitor prints, read. */
#include "engine/guest/plugged_net.h"

#include <stdlib.h>

#include "tests/unit/in_task.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static const char network[] =
	"nic1: index=0,type=nic,model=virtio-net-pci,macaddr=52:54:00:12:34:99"
	"\r\n"
	" \\ n1: index=0,type=user,net=10.0.2.0,restrict=off\r\n"
	"n2: index=0,type=user,net=10.0.2.0,restrict=on\r\n"
	" \\ t1: index=0,type=tap,ifname=tap0,script=no,downscript=/x\r\n"
	"br1: index=0,type=tap,helper=/usr/lib/h,br=br0\r\n"
	"other: index=0,type=user,net=192.168.7.0,restrict=off\r\n"
	"two: index=0,type=tap,ifname=tap1,script=no,downscript=no\r\n"
	"two: index=1,type=tap,ifname=tap1,script=no,downscript=no\r\n"
	"given: index=0,type=tap,fd=12\r\n"
	"v: index=0,type=vde\r\n";
static const char usernet[] =
	"Hub -1 (n1):\r\n  Protocol[State]    FD  Source Address\r\n"
	"Hub -1 (n2):\r\n  Protocol[State]    FD  Source Address\r\n"
	"  TCP[HOST_FORWARD]  14       127.0.0.1 22222       10.0.2.15    "
	"22\r\n";

static void expect_net(const char *id, const char *value)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_FREE char *got = plugged_net(id, network, usernet, &err);

	if (!got)
		fail_with_err(&err);
	assert_string_equal(got, value);
}

TEST(user_networking_is_made_anew)
{
	expect_net("n1", "user,id=n1,restrict=off");
}

TEST(a_tap_keeps_its_interface_and_scripts)
{
	expect_net("t1", "tap,id=t1,ifname=tap0,script=no,downscript=/x");
}

TEST(a_bridge_helper_keeps_its_bridge)
{
	expect_net("br1", "bridge,id=br1,br=br0,helper=/usr/lib/h");
}

static void expect_refused(const char *id, const char *why)
{
	AUTO_ERR struct err err = { 0 };

	assert_null(plugged_net(id, network, usernet, &err));
	expect_err_kind(&err, ERR_REFUSED, why);
}

TEST(forwarded_ports_and_other_addresses_are_refused)
{
	expect_refused("n2", "addresses or ports of its own");
	expect_refused("other", "addresses or ports of its own");
}

TEST(what_the_text_does_not_report_is_refused)
{
	expect_refused("two", "several queues");
	expect_refused("given", "is a tap");
	expect_refused("v", "is a vde");
	expect_refused("none", "not reported by QEMU");
	/* a NIC is no backend */
	expect_refused("nic1", "not reported by QEMU");
}
