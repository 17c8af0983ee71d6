# SPDX-License-Identifier: MIT
# Fuzzers of everything that reads what others wrote. Included by the top
# Makefile; needs clang with its sanitizers. Objects, found inputs and crashes
# go to build-fuzz.

FUZZ_CC ?= clang
FUZZ_SECONDS ?= 60
FUZZ_BUILD ?= build-fuzz
FUZZ_DIR := tests/fuzz
FUZZ_SAN := address,undefined
FUZZ_CFLAGS := -std=gnu11 -pthread $(WARN) -O1 -g -fno-omit-frame-pointer \
	-fno-sanitize-recover=all

FUZZ_TARGETS := $(patsubst $(FUZZ_DIR)/%_fuzz.c,%,\
	$(sort $(wildcard $(FUZZ_DIR)/*_fuzz.c))) proc
# proc is no program: proc_trees.py.
FUZZ_BIN := $(patsubst %,$(FUZZ_BUILD)/%_fuzz,$(filter-out proc,$(FUZZ_TARGETS)))
FUZZ_LIB_OBJ := $(LIB_SRC:%.c=$(FUZZ_BUILD)/obj/%.o) \
	$(SH_SRC:%=$(FUZZ_BUILD)/obj/%.o) \
	$(patsubst %.c,$(FUZZ_BUILD)/obj/%.o,\
	$(filter-out %/main.c,$(CLI_SRC)) $(wildcard $(FUZZ_DIR)/fuzz_*.c))

comma := ,
# The seams at which a target takes the place of the outside world.
FUZZ_LINK_qmp := -Wl,--wrap=qmp_call
FUZZ_LINK_agent := -Wl,--wrap=stream_fd_connect_unix
FUZZ_LINK_endpoint := -Wl,--wrap=ssh_dial,--wrap=ssh_config_read \
	$(foreach f,start take_stderr end_fd ended wait kill free,\
	-Wl,--wrap=child_$(f))

FUZZ_LINK_pump := $(patsubst %,-Wl$(comma)--wrap=%,recv send shutdown \
	control_send endpoint_failed libssh2_free $(addprefix libssh2_channel_,\
	read_ex write_ex eof send_eof wait_closed free get_exit_status \
	get_exit_signal))

$(FUZZ_BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(FUZZ_CC) $(CPPFLAGS_ALL) $(FUZZ_CFLAGS) \
		-fsanitize=fuzzer-no-link,$(FUZZ_SAN) -MMD -MP -c -o $@ $<

$(FUZZ_BUILD)/obj/%.sh.o: $(BUILD)/gen/%.sh.c
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) -c -o $@ $<

$(FUZZ_BUILD)/libfuzz.a: $(FUZZ_LIB_OBJ)
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) rcs $@ $^

.SECONDARY: $(FUZZ_TARGETS:%=$(FUZZ_BUILD)/obj/$(FUZZ_DIR)/%_fuzz.o)
$(FUZZ_BUILD)/%_fuzz: $(FUZZ_BUILD)/obj/$(FUZZ_DIR)/%_fuzz.o \
		$(FUZZ_BUILD)/libfuzz.a
	$(call say,LINK,$@)
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer,$(FUZZ_SAN) \
		$(FUZZ_LINK_$*) -o $@ $^ $(LIBS)

-include $(shell find $(FUZZ_BUILD)/obj -name '*.d' 2>/dev/null)

# FUZZ_TARGETS='qmp agent' picks some.
.PHONY: fuzz fuzz-regress fuzz-build
fuzz-build: $(FUZZ_BIN)
fuzz: fuzz-build
	$(Q)FUZZ_SECONDS=$(FUZZ_SECONDS) FUZZ_BUILD=$(FUZZ_BUILD) \
		$(FUZZ_DIR)/run.sh fuzz $(FUZZ_TARGETS)
# Each corpus once: what was found stays found.
fuzz-regress: fuzz-build
	$(Q)FUZZ_BUILD=$(FUZZ_BUILD) $(FUZZ_DIR)/run.sh regress $(FUZZ_TARGETS)
