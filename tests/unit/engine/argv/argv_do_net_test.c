/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_do_net.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/argv_case.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static const struct argv_net *only_net(const struct argv_plan *plan)
{
	assert_int_equal(plan->n_nets, 1);
	return &plan->nets[0];
}

TEST(user_networks_are_kept)
{
	expect_kept("-netdev user,id=n,hostfwd=tcp::2222-:22 "
		    "-nic user,model=e1000 "
		    "-net nic,model=virtio -net user -nic none");
}

TEST(a_forwarded_port_can_be_had_once_a_host)
{
	expect_refused_same("-netdev user,id=n,hostfwd=tcp::2222-:22,"
			    "hostfwd=tcp::0-:80",
			    "port");
	expect_refused_same("-nic user,hostfwd=udp:127.0.0.1:53-:53", "port");
	expect_refused_same("-netdev '{\"type\":\"user\",\"id\":\"n\","
			    "\"hostfwd\":[{\"str\":\"tcp::1-:2\"}]}'",
			    "port");
	expect_same("-netdev user,id=n,hostfwd=tcp::0-:22",
		    "-netdev user,id=n,hostfwd=tcp::0-:22");
}

TEST(other_ports_can_be_had_once_a_host)
{
	expect_refused_same("-netdev socket,id=n,listen=:1", "port");
	expect_refused_same("-netdev socket,id=n,udp=h:1,localaddr=:2", "port");
	expect_refused_same("-netdev stream,id=n,server=on,addr.type=inet,"
			    "addr.host=h,addr.port=1",
			    "port");
	expect_refused_same("-netdev dgram,id=n,local.type=inet,local.host=h,"
			    "local.port=1",
			    "port");
	expect_same("-netdev socket,id=n,connect=h:1",
		    "-netdev socket,id=n,connect=h:1");
}

TEST(a_bridge_is_listed)
{
	struct argv_plan plan;
	AUTO_FREE char *got = argv_case_same("-netdev bridge,id=n", &plan);

	assert_string_equal(got, "-netdev bridge,id=n");
	assert_string_equal(only_net(&plan)->bridge, "br0");
	assert_string_equal(only_net(&plan)->option, got);
	argv_plan_free(&plan);
}

TEST(a_tap_is_listed_with_its_script)
{
	struct argv_plan plan;
	AUTO_FREE char *got = argv_case_other("-netdev tap,id=n", &plan);

	assert_string_equal(got, "-netdev tap,id=n");
	assert_string_equal(only_net(&plan)->script, "/etc/qemu-ifup");
	assert_null(only_net(&plan)->ifname);
	argv_plan_free(&plan);
}

TEST(a_tap_of_a_helper_has_a_bridge)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	got = argv_case_other("-nic tap,helper=/h/qbh,br=lan", &plan);
	assert_string_equal(only_net(&plan)->bridge, "lan");
	assert_null(only_net(&plan)->script);
	assert_non_null(argv_case_file(&plan, "/h/qbh"));
	argv_plan_free(&plan);
}

TEST(a_named_tap_can_be_had_once_a_host)
{
	static const char words[] =
		"-netdev tap,id=n,ifname=tap0,script=no,downscript=no";
	struct argv_plan plan;
	AUTO_FREE char *got = argv_case_other(words, &plan);

	assert_string_equal(got, words);
	assert_string_equal(only_net(&plan)->ifname, "tap0");
	assert_null(only_net(&plan)->script);
	assert_int_equal(plan.n_files, 0);
	argv_plan_free(&plan);
	expect_refused_same(words, "tap0");
}

TEST(scripts_are_remapped)
{
	struct argv_plan plan;
	AUTO_FREE char *got = argv_case_remap("-netdev tap,id=n,script=/s/up,"
					      "downscript=/s/down",
					      "/s", "/t", &plan);

	assert_string_equal(got, "-netdev tap,id=n,script=/t/up,"
				 "downscript=/t/down");
	assert_string_equal(only_net(&plan)->script, "/t/up");
	argv_plan_free(&plan);
}

TEST(inherited_descriptors_are_refused)
{
	expect_refused("-netdev tap,id=n,fd=3", "inherited");
	expect_refused("-netdev tap,id=n,fds=3:4", "inherited");
	expect_refused("-netdev tap,id=n,vhostfd=3", "inherited");
	expect_refused("-netdev stream,id=n,addr.type=fd,addr.str=3",
		       "inherited");
	expect_refused("-netdev '{\"type\":\"tap\",\"id\":\"n\",\"fd\":\"3\"}'",
		       "inherited");
}

TEST(sockets_are_moved_and_peers_kept)
{
	expect_same(
		"-netdev dgram,id=n,local.type=unix,local.path=/a,"
		"remote.type=unix,remote.path=/b",
		"-netdev dgram,id=n,local.type=unix,local.path=" CASE_RUN_DIR
		"/s0.sock,remote.type=unix,remote.path=/b");
	expect_kept("-netdev stream,id=n,addr.type=unix,addr.path=/a");
}
