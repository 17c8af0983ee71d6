/* SPDX-License-Identifier: MIT */
/* disk_proof: what makes two files one. */
#include "engine/hosts/disk_proof.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static struct disk_facts a, b;

static struct disk_mount mount_of(const char *type, const char *source)
{
	return (struct disk_mount){
		.type = (char *)type,
		.source = (char *)source,
		.root = (char *)"/",
		.point = (char *)"/srv",
		.options = (char *)"rw,vers=4.2,addr=10.0.0.5",
	};
}

/* Two machines, all numbers equal, as on file systems made alike. */
static void arrange(char type, const char *fs, const char *source)
{
	a = (struct disk_facts){
		.type = type,
		.device = 9,
		.inode = 12,
		.bytes = 1 << 20,
		.base = (char *)"77:6",
		.mount = mount_of(fs, source),
	};
	b = a;
}

static void local_files(void)
{
	arrange('f', "ext4", "/dev/vda1");
}

static void nonce(enum disk_nonce here, enum disk_nonce there)
{
	a.nonce = here;
	b.nonce = there;
}

static void expect_on(bool one_kernel, enum disk_proof proof, const char *words)
{
	const char *why = NULL;

	assert_int_equal(disk_proof_judge(&a, &b, one_kernel, &why), proof);
	assert_non_null(why);
	if (!strstr(why, words))
		fail_msg("\"%s\" is not in \"%s\"", words, why);
}

static void expect(enum disk_proof proof, const char *words)
{
	expect_on(false, proof, words);
}

/* --- files ---------------------------------------------------------------- */

TEST(equal_numbers_of_two_machines_prove_nothing)
{
	local_files();
	expect(DISK_PROOF_OTHER, "each host's own");
}

TEST(equal_numbers_of_one_machine_prove_it)
{
	local_files();
	expect_on(true, DISK_PROOF_SAME, "one machine");
	b.inode++;
	expect_on(true, DISK_PROOF_OTHER, "another device or inode");
	b.inode--;
	b.device++;
	expect_on(true, DISK_PROOF_OTHER, "another device or inode");
}

/* One export may be mounted twice on a machine. */
TEST(on_one_machine_network_file_systems_may_have_two_device_numbers)
{
	arrange('f', "nfs4", "nas:/export");
	b.device++;
	expect_on(true, DISK_PROOF_SAME, "server");
}

TEST(a_nonce_that_is_seen_proves_a_file)
{
	local_files();
	nonce(DISK_NONCE_MADE, DISK_NONCE_SEEN);
	expect(DISK_PROOF_SAME, "a file made beside it");
	/* it grows while both are asked */
	b.bytes++;
	expect(DISK_PROOF_SAME, "a file made beside it");
}

TEST(a_nonce_that_is_not_seen_disproves_it)
{
	arrange('f', "nfs4", "nas:/export");
	nonce(DISK_NONCE_MADE, DISK_NONCE_UNSEEN);
	expect(DISK_PROOF_OTHER, "is not there");
}

TEST(another_file_in_the_directory_of_the_nonce_is_another)
{
	local_files();
	nonce(DISK_NONCE_MADE, DISK_NONCE_SEEN);
	b.inode++;
	b.base = (char *)"78:6";
	expect(DISK_PROOF_OTHER, "same directory");
	/* a client may number inodes itself */
	b.base = a.base;
	expect(DISK_PROOF_SAME, "a file made beside it");
	b.is_mount = true;
	expect(DISK_PROOF_OTHER, "same directory");
}

TEST(a_directory_with_the_nonce_is_the_same)
{
	arrange('d', "ext4", "/dev/vda1");
	nonce(DISK_NONCE_MADE, DISK_NONCE_SEEN);
	b.inode++;
	b.base = (char *)"1:1";
	expect(DISK_PROOF_SAME, "a file made beside it");
}

TEST(without_a_nonce_server_export_and_inode_prove_it)
{
	arrange('f', "nfs4", "nas:/export");
	nonce(DISK_NONCE_REFUSED, DISK_NONCE_UNSEEN);
	expect(DISK_PROOF_SAME, "server, export and inode");
	b.inode++;
	expect(DISK_PROOF_OTHER, "another inode");
	b.inode--;
	a.born_ns = 1;
	b.born_ns = 2;
	expect(DISK_PROOF_OTHER, "another time");
	b.born_ns = 0;
	expect(DISK_PROOF_SAME, "server, export and inode");
}

TEST(without_a_nonce_another_export_does_not)
{
	arrange('f', "nfs4", "nas:/export");
	b.mount.source = (char *)"nas2:/export";
	expect(DISK_PROOF_UNKNOWN, "no file could be made");
	b.mount.source = a.mount.source;
	b.mount.root = (char *)"/sub";
	expect(DISK_PROOF_LIKELY, "no file could be made");
}

TEST(a_server_on_the_host_itself_is_no_proof)
{
	static const char *const sources[] = {
		"localhost:/x",	 "127.0.0.1:/x",     "[::1]:/x",
		"//localhost/x", "//me@127.0.1.1/x",
	};

	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		arrange('f', "nfs4", sources[i]);
		expect(DISK_PROOF_LIKELY, "no file could be made");
	}
}

TEST(inodes_of_fuse_prove_nothing)
{
	arrange('f', "fuse.sshfs", "nas:/x");
	a.fuse = b.fuse = true;
	expect(DISK_PROOF_LIKELY, "no file could be made");
	b.inode++;
	expect(DISK_PROOF_LIKELY, "no file could be made");
	b.bytes++;
	expect(DISK_PROOF_UNKNOWN, "no file could be made");
}

TEST(what_is_missing_or_of_another_kind_is_another)
{
	local_files();
	b.type = 'b';
	expect(DISK_PROOF_OTHER, "another kind");
	b.type = '-';
	expect(DISK_PROOF_OTHER, "not there");
	b.type = 'f';
	a.type = '-';
	expect(DISK_PROOF_OTHER, "not there on the source");
}

/* --- devices -------------------------------------------------------------- */

static void devices(const char *id, const char *samples)
{
	arrange('b', "devtmpfs", "devtmpfs");
	a.major = b.major = 8;
	a.id = b.id = (char *)id;
	a.samples = b.samples = (char *)samples;
}

TEST(devices_of_one_machine_have_numbers)
{
	devices(NULL, NULL);
	expect_on(true, DISK_PROOF_SAME, "numbers");
	b.minor++;
	expect_on(true, DISK_PROOF_OTHER, "numbers");
}

TEST(a_device_is_proved_by_identifier_and_contents)
{
	devices("wwid:naa.6001", "aa,bb,cc,dd");
	expect(DISK_PROOF_SAME, "identifier and contents");
	/* the guest writes */
	b.samples = (char *)"aa,bb,cc,ee";
	expect(DISK_PROOF_SAME, "identifier and contents");
	b.samples = (char *)"aa,ff,gg,ee";
	expect(DISK_PROOF_OTHER, "other contents");
	b.samples = NULL;
	expect(DISK_PROOF_LIKELY, "no block could be read");
}

TEST(a_device_with_another_identifier_or_size_is_another)
{
	devices("wwid:naa.6001", "aa,bb");
	b.id = (char *)"wwid:naa.6002";
	expect(DISK_PROOF_OTHER, "another identifier");
	b.id = a.id;
	b.bytes += 512;
	expect(DISK_PROOF_OTHER, "another size");
}

TEST(identifiers_of_two_kinds_are_not_compared)
{
	devices("wwid:naa.6001", "aa,bb");
	b.id = (char *)"dm/uuid:mpath-36001";
	expect(DISK_PROOF_LIKELY, "no identifier");
}

TEST(a_device_without_an_identifier_is_never_proved)
{
	devices(NULL, "aa,bb,cc,dd");
	expect(DISK_PROOF_LIKELY, "no identifier");
	b.samples = (char *)"aa,ff,gg,ee";
	expect(DISK_PROOF_OTHER, "other contents");
	devices(NULL, "aa,aa,aa");
	expect(DISK_PROOF_UNKNOWN, "blank");
	devices(NULL, NULL);
	expect(DISK_PROOF_UNKNOWN, "no block could be read");
}

/* --- machines ------------------------------------------------------------- */

TEST(one_kernel_is_one_boot_of_one_machine)
{
	struct identity_space x = { .boot = "b1", .machine = "m1" };
	struct identity_space y = x;

	assert_true(disk_proof_one_kernel(&x, &y));
	strcpy(y.boot, "b2");
	assert_false(disk_proof_one_kernel(&x, &y));
	strcpy(y.boot, "");
	strcpy(x.boot, "");
	assert_false(disk_proof_one_kernel(&x, &y));
	strcpy(x.boot, "b1");
	strcpy(y.boot, "b1");
	strcpy(y.machine, "0123456789abcdef0123456789abcdef");
	strcpy(x.machine, "fedcba9876543210fedcba9876543210");
	assert_false(disk_proof_one_kernel(&x, &y));
}

/* --- remedies ------------------------------------------------------------- */

static void expect_remedy(const struct disk_mount *here,
			  struct disk_mount there, bool boot,
			  const char *remedy)
{
	struct disk_mounts all = { .v = &there, .boot = &boot, .n = 1 };
	AUTO_FREE char *text = disk_proof_mount_remedy(here, &all);

	assert_non_null(text);
	assert_string_equal(text, remedy);
}

TEST(the_remedy_for_missing_storage_is_how_to_mount_it)
{
	struct disk_mount nas = mount_of("nfs4", "nas:/export");
	struct disk_mount other = mount_of("nfs4", "nas:/other");

	expect_remedy(&nas, other, false,
		      "mount -t nfs4 -o vers=4.2 nas:/export /srv, there; its "
		      "/etc/fstab does not have it");
	other.source = nas.source;
	expect_remedy(&nas, other, true,
		      "mount /srv, there: its /etc/fstab has it");
	other.point = (char *)"/mnt/the\\040nas";
	expect_remedy(&nas, other, false,
		      "--remap '/srv=/mnt/the nas': that storage is mounted "
		      "there");
}

TEST(words_of_a_mount_are_quoted)
{
	struct disk_mount odd = mount_of("fuse.$(id)", "me@nas:/a;b");

	expect_remedy(&odd, mount_of("nfs4", "nas:/other"), false,
		      "mount -t 'fuse.$(id)' -o vers=4.2 'me@nas:/a;b' /srv, "
		      "there; its /etc/fstab does not have it");
}

TEST(storage_of_a_hosts_own_has_no_such_remedy)
{
	struct disk_mount own = mount_of("ext4", "/dev/vda1");
	struct disk_mounts none = { .n = 0 };

	assert_null(disk_proof_mount_remedy(&own, &none));
}
