/* SPDX-License-Identifier: MIT */
/* known_hosts: what files say of a host's key. */
#include "transport/known_hosts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

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

static void a_plain_name_matches(void **state)
{
	(void)state;
	expect("h", "22", "h ssh-ed25519 " ED_A "\n", MATCH);
	expect("h", "22", "h ssh-ed25519 " ED_A, MATCH);
	expect("h", "22", "h\tssh-ed25519   " ED_A " a comment\r\n", MATCH);
}

static void no_line_means_unknown(void **state)
{
	(void)state;
	expect("h", "22", "", UNKNOWN);
	expect("h", "22", "g ssh-ed25519 " ED_A, UNKNOWN);
	expect("h", "22", "hh ssh-ed25519 " ED_A, UNKNOWN);
}

static void names_do_not_mind_case(void **state)
{
	(void)state;
	expect("HOST.Example", "22", "hoSt.examplE ssh-ed25519 " ED_A, MATCH);
}

static void another_key_of_the_type_means_changed(void **state)
{
	struct fixture f;

	(void)state;
	load(&f, "h", "22", "# one\n\nh ssh-ed25519 " ED_B "\n");
	assert_int_equal(check(&f, "ssh-ed25519", ED_A), KNOWN_HOSTS_CHANGED);
	assert_string_equal(f.why->file, "file");
	assert_int_equal(f.why->line, 3);
	known_hosts_free(&f.k);
}

static void one_of_several_keys_is_enough(void **state)
{
	(void)state;
	expect("h", "22", "h ssh-ed25519 " ED_B "\nh ssh-ed25519 " ED_A, MATCH);
}

static void a_key_of_another_type_is_no_mismatch(void **state)
{
	(void)state;
	expect("h", "22", "h ssh-rsa " RSA_A, UNKNOWN);
}

static void revoked_outdoes_all_else(void **state)
{
	(void)state;
	expect("h", "22",
	       "h ssh-ed25519 " ED_A "\n@revoked * ssh-ed25519 " ED_A, REVOKED);
	expect("h", "22",
	       "@revoked h ssh-ed25519 " ED_A "\nh ssh-ed25519 " ED_A, REVOKED);
}

static void a_revoked_key_of_others_means_nothing(void **state)
{
	(void)state;
	expect("h", "22", "@revoked g ssh-ed25519 " ED_A, UNKNOWN);
	expect("h", "22", "@revoked h ssh-ed25519 " ED_B, UNKNOWN);
}

static void authorities_and_other_marks_are_skipped(void **state)
{
	(void)state;
	expect("h", "22", "@cert-authority h ssh-ed25519 " ED_A, UNKNOWN);
	expect("h", "22", "@else h ssh-ed25519 " ED_A, UNKNOWN);
}

static void bad_lines_do_not_hide_good_ones(void **state)
{
	(void)state;
	expect("h", "22",
	       "h\nh ssh-ed25519\nh ssh-ed25519 !!!!\n"
	       "h ssh-ed25519 " RSA_A "\nh ssh-ed25519 AAAA\n@revoked\n"
	       "|1|x|y ssh-ed25519 " ED_A "\n|1| ssh-ed25519 " ED_A "\n"
	       "\x01\xff\nh ssh-ed25519 " ED_A,
	       MATCH);
}

static void comments_and_blank_lines_are_skipped(void **state)
{
	(void)state;
	expect("h", "22",
	       "#h ssh-ed25519 " ED_B "\n   \n\t# x\n"
	       "  h ssh-ed25519 " ED_A,
	       MATCH);
}

static void wildcards_and_lists_match(void **state)
{
	(void)state;
	expect("a.b.c", "22", "x,*.c ssh-ed25519 " ED_A, MATCH);
	expect("a.b.c", "22", "a.?.c ssh-ed25519 " ED_A, MATCH);
	expect("a.b.c", "22", "* ssh-ed25519 " ED_A, MATCH);
	expect("a.b.c", "22", "a.*.d,?.b ssh-ed25519 " ED_A, UNKNOWN);
	expect("a.b.c", "22", "a*b*c* ssh-ed25519 " ED_A, MATCH);
}

static void a_negated_pattern_excludes(void **state)
{
	(void)state;
	expect("a.b", "22", "*.b,!a.b ssh-ed25519 " ED_A, UNKNOWN);
	expect("a.b", "22", "!a.b,*.b ssh-ed25519 " ED_A, UNKNOWN);
	expect("c.b", "22", "!a.b,*.b ssh-ed25519 " ED_A, MATCH);
	expect("c.b", "22", "!a.b ssh-ed25519 " ED_A, UNKNOWN);
}

static void another_port_has_its_own_name(void **state)
{
	(void)state;
	expect("h", "2222", "[h]:2222 ssh-ed25519 " ED_A, MATCH);
	expect("h", "2222", "[h]:2223 ssh-ed25519 " ED_A, UNKNOWN);
	expect("h", "2222", "[h]:2222 ssh-ed25519 " ED_B, CHANGED);
	expect("h", "22", "[h]:2222 ssh-ed25519 " ED_A, UNKNOWN);
	expect("::1", "2222", "[::1]:2222 ssh-ed25519 " ED_A, MATCH);
}

static void the_name_without_port_may_confirm_but_not_contradict(void **state)
{
	(void)state;
	expect("h", "2222", "h ssh-ed25519 " ED_A, MATCH);
	expect("h", "2222", "h ssh-ed25519 " ED_B, UNKNOWN);
	expect("h", "2222", "@revoked h ssh-ed25519 " ED_A, REVOKED);
}

/* Made by ssh-keygen -H from "h" and from "[h]:2222". */
#define HASH_H "|1|VbhxDK4QMjhVvK1NLMCSoFoW4yE=|XMSgW7ac38e0wI0X2bhmxZNVQgs="
#define HASH_H2222 \
	"|1|VKAwVlaiaMkxhGdSvBGl3rTkBRU=|TSw1uQVhOZjLAM5t1xI+jDgopdU="

static void hashed_names_match(void **state)
{
	(void)state;
	expect("h", "22", HASH_H " ssh-ed25519 " ED_A, MATCH);
	expect("h", "22", HASH_H " ssh-ed25519 " ED_B, CHANGED);
	expect("h", "2222", HASH_H2222 " ssh-ed25519 " ED_A, MATCH);
	expect("h", "22", HASH_H2222 " ssh-ed25519 " ED_A, UNKNOWN);
	expect("g", "22", HASH_H " ssh-ed25519 " ED_A, UNKNOWN);
	expect("h", "22", "@revoked " HASH_H " ssh-ed25519 " ED_A, REVOKED);
}

static void types_on_file_are_listed_once(void **state)
{
	struct fixture f;
	AUTO_STRV struct strv types = { .v = NULL };
	AUTO_FREE char *text = NULL;

	(void)state;
	load(&f, "h", "2222",
	     "[h]:2222 ssh-ed25519 " ED_A "\n[h]:2222 ssh-ed25519 " ED_B "\n"
	     "h ssh-rsa " RSA_A "\n@revoked [h]:2222 ssh-rsa " RSA_A "\n");
	known_hosts_types(&f.k, &types);
	text = strv_join(&types, ",");
	assert_string_equal(text, "ssh-ed25519");
	known_hosts_free(&f.k);
}

static void the_line_for_a_key_makes_it_known(void **state)
{
	AUTO_BUF struct buf blob = { .base = NULL };
	AUTO_FREE char *line = NULL;
	struct fixture f;

	(void)state;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_name_matches),
		cmocka_unit_test(no_line_means_unknown),
		cmocka_unit_test(names_do_not_mind_case),
		cmocka_unit_test(another_key_of_the_type_means_changed),
		cmocka_unit_test(one_of_several_keys_is_enough),
		cmocka_unit_test(a_key_of_another_type_is_no_mismatch),
		cmocka_unit_test(revoked_outdoes_all_else),
		cmocka_unit_test(a_revoked_key_of_others_means_nothing),
		cmocka_unit_test(authorities_and_other_marks_are_skipped),
		cmocka_unit_test(bad_lines_do_not_hide_good_ones),
		cmocka_unit_test(comments_and_blank_lines_are_skipped),
		cmocka_unit_test(wildcards_and_lists_match),
		cmocka_unit_test(a_negated_pattern_excludes),
		cmocka_unit_test(another_port_has_its_own_name),
		cmocka_unit_test(
			the_name_without_port_may_confirm_but_not_contradict),
		cmocka_unit_test(hashed_names_match),
		cmocka_unit_test(types_on_file_are_listed_once),
		cmocka_unit_test(the_line_for_a_key_makes_it_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
