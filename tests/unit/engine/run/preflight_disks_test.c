/* SPDX-License-Identifier: MIT */
/* preflight_disks: what the checks say to what was gathered. */
#include "engine/run/preflight_disks.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/run/migrate_options.h"
#include "engine/run/preflight.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/remove_tree.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/host_open.h"

static struct argv_file files[1];
static struct migrate_options opt;
static struct disk_item item;
static struct disk_facts here, there;
static struct qmp_block node;
static struct qmp_disk disk;
static bool equal_content;
static struct run r;
static struct preflight p;

/* An image on shared storage, whose nonce was seen. */
static int setup(void **state)
{
	(void)state;
	opt = (struct migrate_options){ .n_remaps = 0 };
	r = (struct run){ .opt = &opt };
	p = (struct preflight){ .r = &r };
	r.dst.host = host_local_new();
	files[0] = (struct argv_file){
		.kind = ARGV_IMAGE,
		.source = (char *)"/srv/a.qcow2",
		.path = (char *)"/srv/a.qcow2",
	};
	r.dest.plan.files = files;
	r.dest.plan.n_files = 1;
	item = (struct disk_item){
		.source = (char *)"/srv/a.qcow2",
		.path = (char *)"/srv/a.qcow2",
		.named = true,
	};
	here = (struct disk_facts){
		.type = 'f',
		.inode = 12,
		.base = (char *)"1:7",
		.nonce = DISK_NONCE_MADE,
		.mount = { .type = (char *)"nfs4",
			   .source = (char *)"nas:/srv",
			   .root = (char *)"/",
			   .point = (char *)"/srv",
			   .options = (char *)"rw,vers=4.2" },
	};
	there = here;
	there.nonce = DISK_NONCE_SEEN;
	equal_content = false;
	p.disks.chain.v = &item;
	p.disks.chain.n = 1;
	p.disks.here = &here;
	p.disks.there = &there;
	p.disks.equal = &equal_content;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	checks_free(&r.checks);
	host_close(r.dst.host);
	return 0;
}

TEST_FIXTURE(setup, teardown);

static void expect(void (*check)(struct preflight *p), const char *name,
		   enum check_verdict verdict, const char *found,
		   const char *remedy)
{
	check(&p);
	assert_int_equal(r.checks.n, 1);
	assert_string_equal(r.checks.v[0].name, name);
	assert_true(migrate_options_check_known(name));
	assert_int_equal(r.checks.v[0].verdict, verdict);
	if (!strstr(r.checks.v[0].found, found))
		fail_msg("\"%s\" is not in \"%s\"", found, r.checks.v[0].found);
	if (!remedy)
		assert_null(r.checks.v[0].remedy);
	else if (!strstr(r.checks.v[0].remedy, remedy))
		fail_msg("\"%s\" is not in \"%s\"", remedy,
			 r.checks.v[0].remedy);
}

static void expect_file(enum check_verdict verdict, const char *found,
			const char *remedy)
{
	expect(preflight_disks_check_files, "disk", verdict, found, remedy);
}

TEST(a_proved_image_passes_with_its_proof)
{
	expect_file(CHECK_PASS,
		    "/srv/a.qcow2 is the same file on both: a file made "
		    "beside it",
		    NULL);
}

TEST(a_remapped_one_is_compared_with_where_it_will_be)
{
	item.path = (char *)"/mnt/a.qcow2";
	expect_file(CHECK_PASS, "/srv/a.qcow2 (there /mnt/a.qcow2) is the same",
		    NULL);
}

TEST(another_local_disk_is_refused)
{
	here.mount.type = there.mount.type = (char *)"ext4";
	there.nonce = DISK_NONCE_UNSEEN;
	expect_file(CHECK_FAIL, "is another file than on the source",
		    "storage that both hosts share");
}

TEST(storage_that_is_not_mounted_has_its_mount_command)
{
	there.mount.type = (char *)"ext4";
	there.nonce = DISK_NONCE_UNSEEN;
	expect_file(CHECK_FAIL, "is another file than on the source",
		    "mount -t nfs4 -o vers=4.2 nas:/srv /srv");
}

TEST(a_missing_image_has_it_too)
{
	there.type = '-';
	expect(preflight_disks_check_files, "file", CHECK_FAIL,
	       "/srv/a.qcow2 does not exist on",
	       "mount -t nfs4 -o vers=4.2 nas:/srv /srv");
	assert_non_null(strstr(r.checks.v[0].remedy, "--remap OLD=NEW"));
}

TEST(a_missing_image_below_is_named_as_such)
{
	there.type = '-';
	item.named = false;
	expect(preflight_disks_check_files, "file", CHECK_FAIL,
	       "an image of the guest is based on it", "mount -t nfs4");
}

TEST(a_copy_is_enough_for_what_is_only_read)
{
	there.nonce = DISK_NONCE_UNSEEN;
	equal_content = true;
	expect_file(CHECK_PASS, "has the same content", NULL);
}

TEST(what_is_likely_is_a_warning)
{
	here.nonce = DISK_NONCE_REFUSED;
	there.nonce = DISK_NONCE_UNSEEN;
	here.mount.source = there.mount.source = (char *)"localhost:/srv";
	expect_file(CHECK_WARN, "is not proved", "make sure that it is");
}

TEST(what_nothing_proves_is_refused)
{
	here.nonce = DISK_NONCE_REFUSED;
	there.nonce = DISK_NONCE_UNSEEN;
	there.mount.source = (char *)"nas2:/srv";
	expect_file(CHECK_FAIL, "is not known", "--skip-check disk");
}

TEST(another_device_is_refused_as_one)
{
	here.type = there.type = 'b';
	here.bytes = 512;
	expect_file(CHECK_FAIL, "is another device than on the source",
		    "/dev/disk/by-id/");
}

/* --- the image that is in use --------------------------------------------- */

static void on(const char *file)
{
	disk = (struct qmp_disk){
		.device = (char *)"d0",
		.file = (char *)file,
	};
	r.source.facts.disks = (struct qmp_disks){ .v = &disk, .n = 1 };
}

TEST(the_image_that_the_command_line_names_is_no_matter)
{
	on("/srv/a.qcow2");
	preflight_disks_check_active(&p);
	assert_int_equal(r.checks.n, 0);
}

TEST(an_image_after_a_snapshot_is_refused_by_name)
{
	on("/srv/snap.qcow2");
	expect(preflight_disks_check_active, "active-image", CHECK_FAIL,
	       "d0 is on /srv/snap.qcow2 now", "\"device\": \"d0\"");
}

TEST(another_medium_is_refused_as_one)
{
	on("/srv/other.iso");
	disk.read_only = true;
	expect(preflight_disks_check_active, "active-image", CHECK_FAIL,
	       "another medium", "put the medium of its command line back");
}

TEST(a_disk_without_a_plain_name_is_on_what_is_written)
{
	on("json:{\"driver\":\"qcow2\"}");
	preflight_disks_check_active(&p);
	assert_int_equal(r.checks.n, 0);
	item.stray = true;
	expect(preflight_disks_check_active, "active-image", CHECK_FAIL,
	       "d0 is on /srv/a.qcow2 now", "block-commit");
}

TEST(what_a_file_of_options_may_name_is_a_warning)
{
	on("/srv/b.qcow2");
	strv_push(&r.source.guest.argv, "-readconfig");
	expect(preflight_disks_check_active, "active-image", CHECK_WARN,
	       "which the command line", "restart the guest");
	strv_free(&r.source.guest.argv);
}

/* --- servers -------------------------------------------------------------- */

static void server(const char *file)
{
	node = (struct qmp_block){ .kind = QMP_BLOCK_NETWORK,
				   .file = (char *)file };
	p.disks.blocks = (struct qmp_blocks){ .v = &node, .n = 1 };
}

TEST(a_server_on_the_source_itself_is_refused)
{
	server("nbd://localhost:10809/x");
	expect(preflight_disks_check_servers, "disk", CHECK_FAIL,
	       "is a server on the source itself",
	       "an address that both hosts reach");
}

TEST(unless_both_hosts_are_one)
{
	server("nbd+unix:///x?socket=/run/nbd");
	p.disks.one_host = true;
	expect(preflight_disks_check_servers, "disk", CHECK_PASS,
	       "the same server", NULL);
}

TEST(a_server_elsewhere_passes)
{
	server("nbd://nas:10809/x");
	expect(preflight_disks_check_servers, "disk", CHECK_PASS,
	       "the same server", NULL);
}

TEST(one_that_is_not_known_is_a_warning)
{
	server("rbd:pool/x");
	expect(preflight_disks_check_servers, "disk", CHECK_WARN,
	       "is not known", "make sure");
}

/* --- two hosts that are this one ------------------------------------------ */

static char top[40];

static char *at(const char *name)
{
	return xasprintf("%s/%s", top, name);
}

static void make(const char *name, const char *text)
{
	AUTO_FREE char *path = at(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* The guest has top/a/disk, which the destination is to have at @path. */
static void look(struct qmp *q, const char *path)
{
	AUTO_FREE char *source = at("a/disk");
	AUTO_FREE char *there_path = at(path);
	AUTO_FREE char *state = at("state");
	AUTO_ERR struct err err = { 0 };

	p.disks = (struct preflight_disks){ .made = false };
	files[0].source = source;
	files[0].path = there_path;
	files[0].writable = true;
	r.src.qmp = q;
	r.src.host = host_local_new();
	r.source.guest.uid = r.src.facts.uid = r.dst.facts.uid = getuid();
	r.src.facts.state_root = r.dst.facts.state_root = state;
	r.src.facts.namespaces = r.dst.facts.namespaces = (char *)"";
	strcpy(r.src.facts.space.boot, "here");
	strcpy(r.dst.facts.space.boot, "there");
	expect_ok(preflight_disks_read(&p, &err), &err);
	expect_ok(preflight_disks_look_here(&p, &err), &err);
	expect_ok(preflight_disks_look_there(&p, &err), &err);
	expect_ok(preflight_disks_ask(&p, &err), &err);
	preflight_disks_check_files(&p);
	preflight_disks_free(&p);
	host_close(r.src.host);
	assert_int_equal(rmdir(state), 0);
}

static void expect_judged(enum check_verdict verdict, const char *words)
{
	assert_int_equal(r.checks.n, 1);
	if (!strstr(r.checks.v[0].found, words))
		fail_msg("\"%s\" is not in \"%s\"", words, r.checks.v[0].found);
	assert_int_equal(r.checks.v[0].verdict, verdict);
}

static void same_body(struct qmp *q)
{
	look(q, "link/disk");
	expect_judged(CHECK_PASS, "is the same file on both: a file made "
				  "beside it");
}

static void other_body(struct qmp *q)
{
	look(q, "b/disk");
	expect_judged(CHECK_FAIL, "is another file than on the source: a file "
				  "made beside it on the source is not there");
}

static void copy_body(struct qmp *q)
{
	look(q, "b/disk");
	expect_judged(CHECK_PASS, "is only read, and has the same content");
}

static int count_entries(const char *dir)
{
	DIR *d = opendir(dir);
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

/* With nothing left in either directory. */
static void with_nodes(const char *there_text, bool read_only,
		       void (*body)(struct qmp *q))
{
	AUTO_FREE char *a = NULL;
	AUTO_FREE char *b = NULL;
	AUTO_FREE char *link = NULL;
	AUTO_FREE char *reply = NULL;
	struct fake_step step = { .expect = "query-named-block-nodes" };

	strcpy(top, "/tmp/preflight-disks-XXXXXX");
	assert_non_null(mkdtemp(top));
	a = at("a");
	b = at("b");
	link = at("link");
	assert_int_equal(mkdir(a, 0700) | mkdir(b, 0700) | symlink(a, link), 0);
	make("a/disk", "it");
	make("b/disk", there_text);
	reply = xasprintf("[{\"drv\":\"file\",\"file\":\"%s/disk\",\"ro\":%s,"
			  "\"image\":{}}]",
			  a, read_only ? "true" : "false");
	step.reply = reply;
	with_script(&(struct fake_options){ .version = NULL }, &step, 1, body);
	assert_int_equal(count_entries(a), 1);
	assert_int_equal(count_entries(b), 1);
	assert_int_equal(remove_tree(a) | remove_tree(b), 0);
	assert_int_equal(unlink(link) | rmdir(top), 0);
}

TEST(a_disk_by_another_path_is_the_same_by_its_nonce)
{
	with_nodes("it", false, same_body);
}

TEST(a_disk_of_equal_size_and_content_is_another)
{
	with_nodes("it", false, other_body);
}

TEST(but_where_it_is_only_read_it_will_do)
{
	with_nodes("it", true, copy_body);
}

TEST(and_not_with_other_content)
{
	with_nodes("no", true, other_body);
}
