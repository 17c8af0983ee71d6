/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_do.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/argv_case.h"
#include "transport/base/xalloc.h"
static void the_machine_type_is_pinned_and_the_rest_kept(void **state)
{
	(void)state;
	expect_other("-machine pc,accel=kvm,usb=off",
		     "-machine " CASE_MACHINE ",accel=kvm,usb=off");
	expect_other("-M type=q35,smm=on", "-M type=" CASE_MACHINE ",smm=on");
	expect_other("--machine accel=tcg", "--machine accel=tcg");
}

static void files_of_the_machine_are_remapped(void **state)
{
	struct argv_plan plan;
	AUTO_FREE char *got = argv_case_remap("-machine dtb=/srv/a.dtb", "/srv",
					      "/mnt", &plan);

	(void)state;
	assert_string_equal(got, "-machine dtb=/mnt/a.dtb");
	assert_int_equal(argv_case_file(&plan, "/mnt/a.dtb")->kind, ARGV_BOOT);
	argv_plan_free(&plan);
}

static void most_options_are_kept(void **state)
{
	(void)state;
	expect_kept("-cpu host,+avx -smp 2 -m 1G -accel tcg -enable-kvm "
		    "-name n,process=p -uuid 1 -rtc base=utc -boot order=c "
		    "-vga std -usb -k de -no-reboot -nodefaults -seed 1 "
		    "-sandbox on -numa node -global x.y=z -overcommit "
		    "mem-lock=on -msg timestamp=on -no-user-config "
		    "-only-migratable -mem-prealloc -watchdog-action pause");
}

static void what_belonged_to_its_birth_is_dropped(void **state)
{
	(void)state;
	expect_other("-S -incoming tcp:0:1 -loadvm s -daemonize --S", "");
}

static void what_cannot_move_is_refused(void **state)
{
	(void)state;
	expect_refused("-snapshot", "temporary");
	expect_refused("-add-fd fd=3,set=1", "descriptor");
	expect_refused("-chroot /x", "chroot");
	expect_refused("-run-with chroot=/x", "chroot");
	expect_refused("-preconfig", "QMP");
	expect_refused("-virtfs local,path=/x,mount_tag=t", "9p");
	expect_refused("-fsdev local,id=f,path=/x", "9p");
	expect_refused("-xen-domid 1", "Xen");
	expect_refused("-M q35,confidential-guest-support=s", "confidential");
}

static void it_is_started_as_its_user_to_begin_with(void **state)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	(void)state;
	got = argv_case_other("-runas qemu -run-with user=qemu,"
			      "async-teardown=on -run-with user=qemu",
			      &plan);
	assert_string_equal(got, "-run-with async-teardown=on");
	assert_int_equal(plan.n_notes, 3);
	assert_int_equal(plan.notes[0].kind, ARGV_CHANGED);
	argv_plan_free(&plan);
}

static void it_outlives_what_starts_it(void **state)
{
	(void)state;
	expect_other("-run-with exit-with-parent=on", "");
}

static void the_pid_file_is_moved(void **state)
{
	struct argv_plan plan;
	AUTO_FREE char *got = argv_case_other("-pidfile run/a.pid", &plan);

	(void)state;
	assert_string_equal(got, "-pidfile " CASE_RUN_DIR "/pid");
	assert_string_equal(plan.moves.v[0].now, CASE_RUN_DIR "/pid");
	assert_string_equal(plan.moves.v[0].public, CASE_CWD "/run/a.pid");
	argv_plan_free(&plan);
}

static void logs_go_on_only_on_another_host(void **state)
{
	(void)state;
	expect_kept("-d int -D /var/log/q.log");
	expect_same("-d int -D /var/log/q.log", "-d int");
	expect_kept("-trace events=/e,file=/f");
	expect_same("-trace events=/e,file=/f", "-trace events=/e");
	expect_same("-trace file=/f", "");
}

static void nographic_gets_the_serial_port_it_implies(void **state)
{
	(void)state;
	expect_other("-nographic", "-nographic -serial null");
	expect_other("-nographic -serial null", "-nographic -serial null");
	expect_other("-nographic -nodefaults", "-nographic -nodefaults");
	expect_other("-nographic -device isa-serial,chardev=c",
		     "-nographic -device isa-serial,chardev=c");
}

static void a_qemu_called_kvm_still_prefers_it(void **state)
{
	AUTO_STRV struct strv argv = { .v = NULL };
	AUTO_ERR struct err err = { .kind = ERR_NONE };
	struct argv_input in = { .argv = &argv,
				 .machine = "pc",
				 .run_dir = "/r",
				 .binary = "/usr/bin/qemu-system-x86_64" };
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *text2 = NULL;
	struct argv_plan plan;

	(void)state;
	argv_case_split("/usr/bin/kvm -display none", &argv);
	argv_rebuild(&in, &plan, &err);
	text = strv_join(&plan.argv, " ");
	assert_non_null(strstr(text, "-accel kvm -accel tcg"));
	argv_plan_free(&plan);
	argv_case_split("-accel tcg", &argv);
	argv_rebuild(&in, &plan, &err);
	text2 = strv_join(&plan.argv, " ");
	assert_null(strstr(text2, "kvm -"));
	argv_plan_free(&plan);
}

static void a_config_file_is_kept_with_a_warning(void **state)
{
	struct argv_plan plan;
	AUTO_FREE char *got = argv_case_other("-readconfig /etc/q.cfg", &plan);

	(void)state;
	assert_string_equal(got, "-readconfig /etc/q.cfg");
	assert_non_null(argv_case_file(&plan, "/etc/q.cfg"));
	assert_true(argv_case_noted(&plan, ARGV_WARNING, "as it is"));
	argv_plan_free(&plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_machine_type_is_pinned_and_the_rest_kept),
		cmocka_unit_test(files_of_the_machine_are_remapped),
		cmocka_unit_test(most_options_are_kept),
		cmocka_unit_test(what_belonged_to_its_birth_is_dropped),
		cmocka_unit_test(what_cannot_move_is_refused),
		cmocka_unit_test(it_is_started_as_its_user_to_begin_with),
		cmocka_unit_test(it_outlives_what_starts_it),
		cmocka_unit_test(the_pid_file_is_moved),
		cmocka_unit_test(logs_go_on_only_on_another_host),
		cmocka_unit_test(nographic_gets_the_serial_port_it_implies),
		cmocka_unit_test(a_qemu_called_kvm_still_prefers_it),
		cmocka_unit_test(a_config_file_is_kept_with_a_warning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
