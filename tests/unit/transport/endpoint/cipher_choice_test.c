/* SPDX-License-Identifier: MIT */
/* cipher_choice: what is cheaper on this machine is offered first. */
#include "transport/endpoint/cipher_choice.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

struct price {
	const char *name;
	double cost;
};

static double price_of(const char *name, void *arg)
{
	for (const struct price *p = arg; p->name; p++) {
		if (!strcmp(p->name, name))
			return p->cost;
	}
	return 0;
}

static void expect(struct price *prices, const char *ciphers, const char *macs,
		   const char *sorted_ciphers, const char *sorted_macs)
{
	char *c = xstrdup(ciphers), *m = xstrdup(macs);

	cipher_choice_sort_by(&c, &m, price_of, prices);
	assert_string_equal(c, sorted_ciphers);
	assert_string_equal(m, sorted_macs);
	free(c);
	free(m);
}

#define CIPHERS "aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr"
#define MACS "hmac-sha2-256,hmac-sha2-512"

TEST(what_costs_about_the_same_stays_where_it_is)
{
	struct price prices[] = { { "aes128-gcm@openssh.com", 11 },
				  { "aes256-gcm@openssh.com", 10 },
				  { "aes128-ctr", 3 },
				  { "hmac-sha2-256", 9 },
				  { "hmac-sha2-512", 8 },
				  { NULL, 0 } };

	expect(prices, CIPHERS, MACS, CIPHERS, MACS);
}

TEST(what_is_clearly_cheaper_goes_first)
{
	struct price prices[] = { { "aes128-gcm@openssh.com", 50 },
				  { "aes256-gcm@openssh.com", 70 },
				  { "aes128-ctr", 5 },
				  { "hmac-sha2-256", 30 },
				  { "hmac-sha2-512", 20 },
				  { NULL, 0 } };

	expect(prices, CIPHERS, MACS,
	       "aes128-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com",
	       "hmac-sha2-512,hmac-sha2-256");
}

/* Counter mode alone is no complete offer. */
TEST(a_cipher_without_a_tag_costs_a_mac_as_well)
{
	struct price prices[] = { { "aes128-gcm@openssh.com", 20 },
				  { "aes256-gcm@openssh.com", 25 },
				  { "aes128-ctr", 10 },
				  { "hmac-sha2-256", 30 },
				  { "hmac-sha2-512", 50 },
				  { NULL, 0 } };

	expect(prices, CIPHERS, MACS, CIPHERS, MACS);
}

TEST(what_is_not_known_comes_last)
{
	struct price prices[] = { { "aes128-ctr", 10 },
				  { "hmac-sha2-512", 50 },
				  { NULL, 0 } };

	expect(prices, "rot13,aes128-ctr,xor", MACS, "aes128-ctr,rot13,xor",
	       "hmac-sha2-512,hmac-sha2-256");
}

TEST(an_empty_list_stays_empty)
{
	struct price prices[] = { { NULL, 0 } };

	expect(prices, "", "", "", "");
	expect(prices, "aes128-ctr", "", "aes128-ctr", "");
}

TEST(all_that_is_measured_is_known_to_openssl)
{
	char *c = xstrdup("none," CIPHERS ",aes192-ctr,aes256-ctr");
	char *m = xstrdup("none," MACS);

	cipher_choice_sort(&c, &m);
	assert_string_equal(strrchr(c, ','), ",none");
	assert_string_equal(strrchr(m, ','), ",none");
	assert_int_equal(strlen(c),
			 strlen("none," CIPHERS ",aes192-ctr,aes256-ctr"));
	free(c);
	free(m);
}
