/* SPDX-License-Identifier: MIT */
/* disk_proof: whether two hosts have the same file or device. */
#include "engine/hosts/disk_proof.h"

#include <string.h>

#include "transport/base/buf.h"
#include "transport/base/xalloc.h"
#include "transport/quote.h"

static bool equal(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

bool disk_proof_one_kernel(const struct identity_space *a,
			   const struct identity_space *b)
{
	return a->boot[0] && !strcmp(a->boot, b->boot) &&
	       !identity_other_machine(a, b);
}

bool disk_proof_is_local_type(const char *type)
{
	static const char *const local[] = {
		"ext2",	    "ext3",    "ext4",	 "xfs",	     "btrfs",
		"zfs",	    "f2fs",    "jfs",	 "reiserfs", "bcachefs",
		"vfat",	    "exfat",   "ntfs",	 "ntfs3",    "tmpfs",
		"ramfs",    "overlay", "rootfs", "devtmpfs", "hugetlbfs",
		"squashfs", "iso9660", "udf",	 "erofs",    "nilfs2",
	};

	for (size_t i = 0; type && i < ARRAY_SIZE(local); i++) {
		if (!strcmp(local[i], type))
			return true;
	}
	return false;
}

static bool both_local(const struct disk_facts *a, const struct disk_facts *b)
{
	return disk_proof_is_local_type(a->mount.type) &&
	       disk_proof_is_local_type(b->mount.type);
}

/* --- files ---------------------------------------------------------------- */

/* A directory is itself where the nonce was. */
static bool is_same_in_directory(const struct disk_facts *a,
				 const struct disk_facts *b)
{
	return a->type == 'd' || a->inode == b->inode ||
	       (equal(a->base, b->base) && !a->is_mount && !b->is_mount);
}

static enum disk_proof judge_nonce(const struct disk_facts *a,
				   const struct disk_facts *b, const char **why)
{
	if (b->nonce == DISK_NONCE_UNSEEN) {
		*why = "a file made beside it on the source is not there";
		return DISK_PROOF_OTHER;
	}
	if (is_same_in_directory(a, b)) {
		*why = "a file made beside it on the source is there, too";
		return DISK_PROOF_SAME;
	}
	*why = "it is another one in the same directory";
	return DISK_PROOF_OTHER;
}

/* "127.0.0.1:/srv", "[::1]:/srv", "//localhost/srv" */
static bool is_loopback_source(const char *source)
{
	static const char *const words[] = { "localhost", "127.", "[::1]",
					     "::1" };
	const char *at = strchr(source, '@');

	source = at ? at + 1 : source;
	source += strspn(source, "/");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!strncmp(source, words[i], strlen(words[i])))
			return true;
	}
	return false;
}

static bool same_export(const struct disk_facts *a, const struct disk_facts *b)
{
	const struct disk_mount *m = &a->mount, *n = &b->mount;

	return equal(m->source, n->source) && equal(m->type, n->type) &&
	       equal(m->root, n->root) && !disk_proof_is_local_type(m->type) &&
	       strpbrk(m->source, ":/") && !is_loopback_source(m->source);
}

/* Nothing could be made beside it. */
static enum disk_proof judge_mounts(const struct disk_facts *a,
				    const struct disk_facts *b,
				    const char **why)
{
	bool numbers = !a->fuse && !b->fuse;

	if (both_local(a, b)) {
		*why = "it is on a disk of each host's own";
		return DISK_PROOF_OTHER;
	}
	if (numbers && a->inode != b->inode) {
		*why = "it has another inode";
		return DISK_PROOF_OTHER;
	}
	if (a->born_ns && b->born_ns && a->born_ns != b->born_ns) {
		*why = "it was made at another time";
		return DISK_PROOF_OTHER;
	}
	if (numbers && same_export(a, b)) {
		*why = "server, export and inode are the same";
		return DISK_PROOF_SAME;
	}
	*why = "no file could be made beside it to prove it";
	return a->bytes == b->bytes && equal(a->base, b->base) &&
			       equal(a->mount.source, b->mount.source)
		       ? DISK_PROOF_LIKELY
		       : DISK_PROOF_UNKNOWN;
}

static enum disk_proof judge_files(const struct disk_facts *a,
				   const struct disk_facts *b, bool one_kernel,
				   const char **why)
{
	if (one_kernel && a->device == b->device && a->inode == b->inode) {
		*why = "device and inode are the same, on one machine";
		return DISK_PROOF_SAME;
	}
	if (one_kernel && both_local(a, b)) {
		*why = "it has another device or inode on this one machine";
		return DISK_PROOF_OTHER;
	}
	if (a->nonce == DISK_NONCE_MADE &&
	    (b->nonce == DISK_NONCE_SEEN || b->nonce == DISK_NONCE_UNSEEN))
		return judge_nonce(a, b, why);
	return judge_mounts(a, b, why);
}

/* --- devices -------------------------------------------------------------- */

/* How many of the blocks of both are equal, and of how many kinds they are. */
static size_t compare_samples(const char *a, const char *b, size_t *of,
			      bool *varied)
{
	size_t same = 0, len = strcspn(a, ",");
	const char *first = a;

	*of = 0;
	*varied = false;
	while (*a && *b && strcspn(a, ",") == len && strcspn(b, ",") == len) {
		same += !strncmp(a, b, len);
		*varied = *varied || strncmp(a, first, len) != 0;
		++*of;
		a += len + (a[len] == ',');
		b += len + (b[len] == ',');
	}
	return same;
}

/* What kind of identifier: "wwid:naa.600…" */
static bool same_kind(const char *a, const char *b)
{
	size_t len = strcspn(a, ":");

	return len == strcspn(b, ":") && !strncmp(a, b, len);
}

static enum disk_proof judge_named(const struct disk_facts *a, size_t same,
				   size_t of, const char **why)
{
	if (!a->samples || !of) {
		*why = "its identifier is the same, but no block could be "
		       "read to compare";
		return DISK_PROOF_LIKELY;
	}
	if (same * 2 > of) {
		*why = "size, identifier and contents are the same";
		return DISK_PROOF_SAME;
	}
	*why = "it has the same identifier, but other contents";
	return DISK_PROOF_OTHER;
}

static enum disk_proof judge_unnamed(size_t same, size_t of, bool varied,
				     const char **why)
{
	if (of && same * 2 <= of) {
		*why = "it has other contents";
		return DISK_PROOF_OTHER;
	}
	*why = !of	? "it has no identifier to compare, and no block could "
			  "be read"
	       : varied ? "blocks that were compared are equal, but it has no "
			  "identifier to compare"
			: "it has no identifier to compare, and is blank "
			  "where it was looked at";
	return varied && of ? DISK_PROOF_LIKELY : DISK_PROOF_UNKNOWN;
}

static enum disk_proof judge_devices(const struct disk_facts *a,
				     const struct disk_facts *b,
				     bool one_kernel, const char **why)
{
	size_t same = 0, of = 0;
	bool varied = false;

	if (one_kernel) {
		*why = "the device's numbers are compared, on one machine";
		return a->major == b->major && a->minor == b->minor
			       ? DISK_PROOF_SAME
			       : DISK_PROOF_OTHER;
	}
	if (a->bytes != b->bytes) {
		*why = "it has another size";
		return DISK_PROOF_OTHER;
	}
	if (a->id && b->id && same_kind(a->id, b->id) && !equal(a->id, b->id)) {
		*why = "it has another identifier";
		return DISK_PROOF_OTHER;
	}
	if (a->samples && b->samples)
		same = compare_samples(a->samples, b->samples, &of, &varied);
	if (equal(a->id, b->id))
		return judge_named(a, same, of, why);
	return judge_unnamed(same, of, varied, why);
}

enum disk_proof disk_proof_judge(const struct disk_facts *a,
				 const struct disk_facts *b, bool one_kernel,
				 const char **why)
{
	if (a->type == '-' || b->type == '-') {
		*why = a->type == '-' ? "it is not there on the source"
				      : "it is not there";
		return DISK_PROOF_OTHER;
	}
	if (a->type != b->type) {
		*why = "it is of another kind";
		return DISK_PROOF_OTHER;
	}
	return a->type == 'b' ? judge_devices(a, b, one_kernel, why)
			      : judge_files(a, b, one_kernel, why);
}

/* --- remedies ------------------------------------------------------------- */

/* The kernel's "\040" are blanks again; to be freed. */
static char *unescape(const char *text)
{
	char *copy = xstrdup(text), *to = copy;

	for (const char *c = copy; *c; c++) {
		if (*c == '\\' && c[1] >= '0' && c[1] <= '3' && c[2] >= '0' &&
		    c[2] <= '7' && c[3] >= '0' && c[3] <= '7') {
			*to++ = (char)((c[1] - '0') * 64 + (c[2] - '0') * 8 +
				       (c[3] - '0'));
			c += 3;
		} else {
			*to++ = *c;
		}
	}
	*to = '\0';
	return copy;
}

/* Those of the options by which storage is found, not how it is used. */
static void put_options(struct buf *out, const char *options)
{
	static const char *const kept[] = { "ro",    "vers=",  "sec=",
					    "port=", "proto=", "nolock" };
	AUTO_BUF struct buf b = { 0 };

	while (options && *options) {
		size_t len = strcspn(options, ",");

		for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
			size_t k = strlen(kept[i]);
			bool whole = kept[i][k - 1] != '=';

			if (strncmp(options, kept[i], k) != 0 ||
			    (whole && len != k))
				continue;
			buf_printf(&b, "%s%.*s", buf_len(&b) ? "," : "",
				   (int)len, options);
		}
		options += len + (options[len] == ',');
	}
	if (!buf_len(&b))
		return;
	buf_printf(out, " -o ");
	quote_word(out, buf_data(&b));
}

/* A user may have chosen any of the words, by FUSE. */
static char *mount_command(const struct disk_mount *here)
{
	AUTO_FREE char *source = unescape(here->source);
	AUTO_FREE char *point = unescape(here->point);
	AUTO_BUF struct buf b = { 0 };

	buf_printf(&b, "mount -t ");
	quote_word(&b, here->type);
	put_options(&b, here->options);
	buf_printf(&b, " ");
	quote_word(&b, source);
	buf_printf(&b, " ");
	quote_word(&b, point);
	return buf_steal(&b);
}

static char *remap_option(const char *from, const char *to)
{
	AUTO_FREE char *a = unescape(from);
	AUTO_FREE char *z = unescape(to);
	AUTO_FREE char *both = xasprintf("%s=%s", a, z);
	AUTO_BUF struct buf b = { 0 };

	quote_word(&b, both);
	return xasprintf("--remap %s", buf_data(&b));
}

char *disk_proof_mount_remedy(const struct disk_mount *here,
			      const struct disk_mounts *there)
{
	AUTO_FREE char *command = NULL;

	if (!here->type || !strcmp(here->type, "-") ||
	    disk_proof_is_local_type(here->type))
		return NULL;
	for (size_t i = 0; i < there->n; i++) {
		const struct disk_mount *m = &there->v[i];

		if (there->boot[i] || !equal(m->source, here->source) ||
		    !equal(m->root, here->root) || equal(m->point, here->point))
			continue;
		command = remap_option(here->point, m->point);
		return xasprintf("%s: that storage is mounted there", command);
	}
	for (size_t i = 0; i < there->n; i++) {
		if (there->boot[i] && equal(there->v[i].point, here->point)) {
			AUTO_FREE char *point = unescape(here->point);
			AUTO_FREE char *word = quote_text(point);

			return xasprintf("mount %s, there: its /etc/fstab has "
					 "it",
					 word);
		}
	}
	command = mount_command(here);
	return xasprintf("%s, there; its /etc/fstab does not have it", command);
}
