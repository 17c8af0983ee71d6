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
#define EC_A "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAAABBA=="

struct fixture {
	struct known_hosts k;
	const struct known_hosts_key *why;
};

static void load(struct fixture *f, const char *host, const char *port,
		 const char *text)
{
	known_hosts_init(&f->k, host, port);
	known_hosts_add(&f->k, "file", text, strlen(text));
}

/* The blob of a key; until the next call. */
static struct ssh_bytes blob_of(const char *base64)
{
	static struct buf blob;

	buf_truncate(&blob, 0);
	assert_int_equal(ssh_base64_decode(&blob, base64, strlen(base64)), 0);
	return (struct ssh_bytes){ (const unsigned char *)buf_data(&blob),
				   buf_len(&blob) };
}

static enum known_hosts_verdict check(struct fixture *f, const char *base64)
{
	return known_hosts_check(&f->k, blob_of(base64), &f->why);
}

/* The verdict on the ed25519 key A for host:port, with @text on file. */
static enum known_hosts_verdict verdict(const char *host, const char *port,
					const char *text)
{
	struct fixture f;
	enum known_hosts_verdict v;

	load(&f, host, port, text);
	v = check(&f, ED_A);
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
	assert_int_equal(check(&f, ED_A), KNOWN_HOSTS_CHANGED);
	assert_string_equal(f.why->file, "file");
	assert_int_equal(f.why->line, 3);
	known_hosts_free(&f.k);
}

TEST(one_of_several_keys_is_enough)
{
	expect("h", "22", "h ssh-ed25519 " ED_B "\nh ssh-ed25519 " ED_A, MATCH);
}

TEST(keys_of_other_types_mean_changed)
{
	struct fixture f;

	expect("h", "22", "h ssh-rsa " RSA_A, CHANGED);
	load(&f, "h", "22",
	     "h ssh-rsa " RSA_A "\nh ssh-ed25519 " ED_B "\nh "
	     "ecdsa-sha2-nistp256 " EC_A "\n");
	assert_int_equal(check(&f, ED_A), KNOWN_HOSTS_CHANGED);
	/* the one of the same type explains it */
	assert_int_equal(f.why->line, 2);
	known_hosts_free(&f.k);
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

TEST(authorities_and_other_marks_make_no_key_known)
{
	expect("h", "22", "@cert-authority h ssh-ed25519 " ED_A, UNKNOWN);
	expect("h", "22", "@else h ssh-ed25519 " ED_A, UNKNOWN);
	expect("h", "22", "@revoked @cert-authority h ssh-ed25519 " ED_A,
	       UNKNOWN);
}

/* The line that takes a certificate, for the ed25519 key A; 0: none. */
static unsigned int certified(const char *text)
{
	const struct known_hosts_key *key;
	struct fixture f;
	unsigned int line;

	load(&f, "h", "2222", text);
	key = known_hosts_certified(&f.k, blob_of(ED_A));
	line = key ? key->line : 0;
	known_hosts_free(&f.k);
	return line;
}

TEST(an_authority_matters_where_the_key_is_not_known)
{
	assert_int_equal(certified("@cert-authority * ssh-rsa " RSA_A), 1);
	assert_int_equal(certified("@cert-authority h ssh-rsa " RSA_A), 1);
	assert_int_equal(certified("@cert-authority g ssh-rsa " RSA_A), 0);
	assert_int_equal(certified("* ssh-ed25519 " ED_A
				   "\n@cert-authority * ssh-rsa " RSA_A),
			 0);
}

TEST(another_revoked_key_may_be_an_authoritys)
{
	assert_int_equal(certified("* ssh-ed25519 " ED_A
				   "\n@revoked * ssh-rsa " RSA_A),
			 2);
	assert_int_equal(certified("@revoked g ssh-rsa " RSA_A), 0);
	assert_int_equal(certified("@revoked * ssh-ed25519 " ED_A), 0);
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

TEST(a_damaged_key_counts_for_nothing)
{
	/* one byte too many, one too few, another curve, no e */
	static const char *const lines[] = {
		"h ssh-ed25519 "
		"AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAA"
		"AAAAAAAAAAAAAAAAAAAAA==",
		"h ssh-ed25519 "
		"AAAAC3NzaC1lZDI1NTE5AAAAHwAAAAAAAAAAAAAAAAAAAAAAA"
		"AAAAAAAAAAAAAAAAAAA",
		"h ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlz"
		"dHAyNTYAAAABBA==",
		"h ssh-rsa AAAAB3NzaC1yc2EAAAAAAAAAAQA=",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		expect("h", "22", lines[i], UNKNOWN);
	expect("h", "22", "h ssh-rsa " RSA_A, CHANGED);
	expect("h", "22", "h ecdsa-sha2-nistp256 " EC_A, CHANGED);
}

TEST(a_key_of_a_type_that_is_new_counts)
{
	expect("h", "22", "h ssh-new AAAAB3NzaC1uZXcAAAABAQ==", CHANGED);
}

TEST(a_nul_ends_its_line_and_not_the_file)
{
	static const char text[] = "x\0y\n@revoked h ssh-ed25519 " ED_A "\n";
	struct fixture f;

	known_hosts_init(&f.k, "h", "22");
	known_hosts_add(&f.k, "file", text, sizeof(text) - 1);
	assert_int_equal(check(&f, ED_A), KNOWN_HOSTS_REVOKED);
	assert_int_equal(f.why->line, 2);
	known_hosts_free(&f.k);
}

TEST(a_pattern_that_is_too_long_spoils_its_list)
{
	AUTO_FREE char *longest = xmalloc(1023 + 1), *list = NULL;

	memset(longest, 'a', 1023);
	longest[1023] = '\0';
	list = xasprintf("h,%s ssh-ed25519 %s\n", longest, ED_A);
	expect("h", "22", list, UNKNOWN);
	list[2 + 1022] = ',';
	expect("h", "22", list, MATCH);
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
	expect("a.b.c", "22", "*c*c ssh-ed25519 " ED_A, UNKNOWN);
	expect("aab", "22", "*ab ssh-ed25519 " ED_A, MATCH);
	expect("aab", "22", "*?ab** ssh-ed25519 " ED_A, MATCH);
	expect("aab", "22", "aab? ssh-ed25519 " ED_A, UNKNOWN);
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

TEST(lines_with_the_port_decide)
{
	expect("h", "2222",
	       "h ssh-ed25519 " ED_A "\n[h]:2222 ssh-ed25519 " ED_B, CHANGED);
	expect("h", "2222", "h ssh-ed25519 " ED_A "\n[h]:2222 ssh-rsa " RSA_A,
	       CHANGED);
	expect("h", "2222",
	       "h ssh-ed25519 " ED_B "\n[h]:2222 ssh-ed25519 " ED_A, MATCH);
	/* for both at once */
	expect("h", "2222", "* ssh-ed25519 " ED_B, CHANGED);
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

/* The line for the ed25519 key A, which makes it known. */
static char *line_for(const char *host, const char *port, bool hashed)
{
	struct fixture f;
	char *line;

	load(&f, host, port, "");
	line = known_hosts_line(&f.k, blob_of(ED_A), hashed);
	if (line) {
		known_hosts_add(&f.k, "new", line, strlen(line));
		assert_int_equal(check(&f, ED_A), KNOWN_HOSTS_MATCH);
	}
	known_hosts_free(&f.k);
	return line;
}

TEST(the_line_for_a_key_makes_it_known)
{
	AUTO_FREE char *line = line_for("H", "2222", false);

	assert_string_equal(line, "[h]:2222 ssh-ed25519 " ED_A "\n");
}

TEST(a_hashed_line_hides_the_name_each_time_anew)
{
	AUTO_FREE char *one = line_for("host", "2222", true);
	AUTO_FREE char *two = line_for("host", "2222", true);

	assert_int_equal(strncmp(one, "|1|", 3), 0);
	assert_null(strstr(one, "host"));
	assert_string_not_equal(one, two);
}

TEST(a_name_that_a_file_would_take_for_another_gets_no_line)
{
	static const char *const names[] = { "a*", "a b", "a,b", "#a",	"@a",
					     "a?", "[a]", "|1|", "a\nb" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_null(line_for(names[i], "22", false));
		assert_null(line_for(names[i], "2222", true));
	}
}
