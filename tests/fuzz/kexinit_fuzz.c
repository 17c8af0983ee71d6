/* SPDX-License-Identifier: MIT */
/* A server's first bytes. Input: all that it has sent. */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz_input.h"
#include "transport/base/xalloc.h"
#include "transport/endpoint/ssh_kexinit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	size_t half = fuzz_take(&in) * in.len / 256;
	AUTO_FREE char *whole =
		ssh_kexinit_hostkeys((struct ssh_bytes){ in.data, in.len });
	AUTO_FREE char *part =
		ssh_kexinit_hostkeys((struct ssh_bytes){ in.data, half });

	fuzz_claim(!whole || strlen(whole) < in.len,
		   "the list comes out of what was sent");
	fuzz_claim(!part || (whole && !strcmp(part, whole)),
		   "what comes later changes nothing");
	return 0;
}
