/* SPDX-License-Identifier: MIT */
/* known_hosts: what files say of a host's key. */
#include "transport/known_hosts.h"

#include <string.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

/* Blobs of no real keys, but of the right form. */
#define ED_A \
	"AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define ED_B \
	"AAAAC3NzaC1lZDI1NTE5AAAAIAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define RSA_A "AAAAB3NzaC1yc2EAAAADAQABAAAAAQA="

struct fixture {
	struct known_hosts k;
	const struct known_hosts_key *why;
};

static void load(struct fixture *f, const char *host, const char *port,
		 const char *text)
{
	known_hosts_init(&f->k, host, port);
	known_hosts_add(&f->k, "file", text);
}

static enum known_hosts_verdict check(struct fixture *f, const char *type,
				      const char *base64)
{
	AUTO_BUF struct buf blob = { .base = NULL };

	assert_int_equal(ssh_base64_decode(&blob, base64, strlen(base64)), 0);
	return known_hosts_check(
		&f->k, type,
		(struct ssh_bytes){ (const unsigned char *)buf_data(&blob),
				    buf_len(&blob) },
		&f->why);
}

/* The verdict on the ed25519 key A for host:port, with @text on file. */
static enum known_hosts_verdict verdict(const char *host, const char *port,
					const char *text)
{
	struct fixture f;
	enum known_hosts_verdict v;

	load(&f, host, port, text);
	v = check(&f, "ssh-ed25519", ED_A);
	known_hosts_free(&f.k);
	return v;
}

#define expect(host, port, text, want) \
	assert_int_equal(verdict(host, port, text), KNOWN_HOSTS_##want)

TEST(a_plain_name_matches)
{
	expect("h", "22", "h ssh-ed25519 " ED_A "\n", MATCH);
	expect("h", "22", "h ssh-ed25519 " ED_A, MATCH);
	expect("h", "22", "h\tssh-ed25519   " ED_A " a comment\r\n", MATCH);
}

TEST(no_line_means_unknown)
{
	expect("h", "22", "", UNKNOWN);
	expect("h", "22", "g ssh-ed25519 " ED_A, UNKNOWN);
	expect("h", "22", "hh ssh-ed25519 " ED_A, UNKNOWN);
}

TEST(names_do_not_mind_case)
{
	expect("HOST.Example", "22", "hoSt.examplE ssh-ed25519 " ED_A, MATCH);
}

TEST(another_key_of_the_type_means_changed)
{
	struct fixture f;

	load(&f, "h", "22", "# one\n\nh ssh-ed25519 " ED_B "\n");
	assert_int_equal(check(&f, "ssh-ed25519", ED_A), KNOWN_HOSTS_CHANGED);
	assert_string_equal(f.why->file, "file");
	assert_int_equal(f.why->line, 3);
	known_hosts_free(&f.k);
}

TEST(one_of_several_keys_is_enough)
{
	expect("h", "22", "h ssh-ed25519 " ED_B "\nh ssh-ed25519 " ED_A, MATCH);
}

TEST(a_key_of_another_type_is_no_mismatch)
{
	expect("h", "22", "h ssh-rsa " RSA_A, UNKNOWN);
}

TEST(revoked_outdoes_all_else)
{
	expect("h", "22",
	       "h ssh-ed25519 " ED_A "\n@revoked * ssh-ed25519 " ED_A, REVOKED);
	expect("h", "22",
	       "@revoked h ssh-ed25519 " ED_A "\nh ssh-ed25519 " ED_A, REVOKED);
}

TEST(a_revoked_key_of_others_means_nothing)
{
	expect("h", "22", "@revoked g ssh-ed25519 " ED_A, UNKNOWN);
	expect("h", "22", "@revoked h ssh-ed25519 " ED_B, UNKNOWN);
}

TEST(authorities_and_other_marks_are_skipped)
{
	expect("h", "22", "@cert-authority h ssh-ed25519 " ED_A, UNKNOWN);
	expect("h", "22", "@else h ssh-ed25519 " ED_A, UNKNOWN);
}

TEST(bad_lines_do_not_hide_good_ones)
{
	expect("h", "22",
	       "h\nh ssh-ed25519\nh ssh-ed25519 !!!!\n"
	       "h ssh-ed25519 " RSA_A "\nh ssh-ed25519 AAAA\n@revoked\n"
	       "|1|x|y ssh-ed25519 " ED_A "\n|1| ssh-ed25519 " ED_A "\n"
	       "\x01\xff\nh ssh-ed25519 " ED_A,
	       MATCH);
}

TEST(comments_and_blank_lines_are_skipped)
{
	expect("h", "22",
	       "#h ssh-ed25519 " ED_B "\n   \n\t# x\n"
	       "  h ssh-ed25519 " ED_A,
	       MATCH);
}

TEST(wildcards_and_lists_match)
{
	expect("a.b.c", "22", "x,*.c ssh-ed25519 " ED_A, MATCH);
	expect("a.b.c", "22", "a.?.c ssh-ed25519 " ED_A, MATCH);
	expect("a.b.c", "22", "* ssh-ed25519 " ED_A, MATCH);
	expect("a.b.c", "22", "a.*.d,?.b ssh-ed25519 " ED_A, UNKNOWN);
	expect("a.b.c", "22", "a*b*c* ssh-ed25519 " ED_A, MATCH);
}

TEST(a_negated_pattern_excludes)
{
	expect("a.b", "22", "*.b,!a.b ssh-ed25519 " ED_A, UNKNOWN);
	expect("a.b", "22", "!a.b,*.b ssh-ed25519 " ED_A, UNKNOWN);
	expect("c.b", "22", "!a.b,*.b ssh-ed25519 " ED_A, MATCH);
	expect("c.b", "22", "!a.b ssh-ed25519 " ED_A, UNKNOWN);
}

TEST(another_port_has_its_own_name)
{
	expect("h", "2222", "[h]:2222 ssh-ed25519 " ED_A, MATCH);
	expect("h", "2222", "[h]:2223 ssh-ed25519 " ED_A, UNKNOWN);
	expect("h", "2222", "[h]:2222 ssh-ed25519 " ED_B, CHANGED);
	expect("h", "22", "[h]:2222 ssh-ed25519 " ED_A, UNKNOWN);
	expect("::1", "2222", "[::1]:2222 ssh-ed25519 " ED_A, MATCH);
}

TEST(the_name_without_port_may_confirm_but_not_contradict)
{
	expect("h", "2222", "h ssh-ed25519 " ED_A, MATCH);
	expect("h", "2222", "h ssh-ed25519 " ED_B, UNKNOWN);
	expect("h", "2222", "@revoked h ssh-ed25519 " ED_A, REVOKED);
}

/* Made by ssh-keygen -H from "h" and from "[h]:2222". */
#define HASH_H "|1|VbhxDK4QMjhVvK1NLMCSoFoW4yE=|XMSgW7ac38e0wI0X2bhmxZNVQgs="
#define HASH_H2222 \
	"|1|VKAwVlaiaMkxhGdSvBGl3rTkBRU=|TSw1uQVhOZjLAM5t1xI+jDgopdU="

TEST(hashed_names_match)
{
	expect("h", "22", HASH_H " ssh-ed25519 " ED_A, MATCH);
	expect("h", "22", HASH_H " ssh-ed25519 " ED_B, CHANGED);
	expect("h", "2222", HASH_H2222 " ssh-ed25519 " ED_A, MATCH);
	expect("h", "22", HASH_H2222 " ssh-ed25519 " ED_A, UNKNOWN);
	expect("g", "22", HASH_H " ssh-ed25519 " ED_A, UNKNOWN);
	expect("h", "22", "@revoked " HASH_H " ssh-ed25519 " ED_A, REVOKED);
}

TEST(types_on_file_are_listed_once)
{
	struct fixture f;
	AUTO_STRV struct strv types = { .v = NULL };
	AUTO_FREE char *text = NULL;

	load(&f, "h", "2222",
	     "[h]:2222 ssh-ed25519 " ED_A "\n[h]:2222 ssh-ed25519 " ED_B "\n"
	     "h ssh-rsa " RSA_A "\n@revoked [h]:2222 ssh-rsa " RSA_A "\n");
	known_hosts_types(&f.k, &types);
	text = strv_join(&types, ",");
	assert_string_equal(text, "ssh-ed25519");
	known_hosts_free(&f.k);
}

TEST(the_line_for_a_key_makes_it_known)
{
	AUTO_BUF struct buf blob = { .base = NULL };
	AUTO_FREE char *line = NULL;
	struct fixture f;

	load(&f, "H", "2222", "");
	assert_int_equal(ssh_base64_decode(&blob, ED_A, strlen(ED_A)), 0);
	line = known_hosts_line(
		&f.k, "ssh-ed25519",
		(struct ssh_bytes){ (const unsigned char *)buf_data(&blob),
				    buf_len(&blob) });
	assert_string_equal(line, "[h]:2222 ssh-ed25519 " ED_A "\n");
	known_hosts_add(&f.k, "new", line);
	assert_int_equal(check(&f, "ssh-ed25519", ED_A), KNOWN_HOSTS_MATCH);
	known_hosts_free(&f.k);
}
