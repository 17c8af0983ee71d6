# SPDX-License-Identifier: MIT
# vmferry: `make demo` and `make check` are the whole set-up; `make help` lists
# the rest.
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

VERSION := 0.1.0
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
CC ?= gcc
CFLAGS ?= -O2 -g
PKGS := json-c libssh2

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wwrite-strings -Wformat=2 -Wundef -Wvla -Werror
HARDEN := -fstack-protector-strong -fstack-clash-protection -fcf-protection \
	-fPIE -D_FORTIFY_SOURCE=2
LINK_HARDEN := -pie -Wl,-z,relro,-z,now,-z,noexecstack
# Sanitizers and valgrind bring their own flags here, and a BUILD of their own.
EXTRA ?=
CPPFLAGS_ALL = -D_GNU_SOURCE -DVMFERRY_VERSION='"$(VERSION)"' -I. \
	$(shell pkg-config --cflags $(PKGS)) $(CPPFLAGS)
CFLAGS_ALL = -std=gnu11 -pthread $(WARN) $(HARDEN) $(CFLAGS) $(EXTRA)
LDFLAGS_ALL = -pthread $(LINK_HARDEN) $(LDFLAGS) $(EXTRA)
LIBS = $(shell pkg-config --libs $(PKGS)) -lcrypto

# One short line a step; V=1 shows the commands.
V ?= 0
ifeq ($(V),0)
Q := @
say = @printf '  %-6s %s\n' $(1) $(2)
else
Q :=
say = @:
endif

LIB_SRC := $(wildcard transport/base/*.c transport/*.c qmp/*.c engine/*.c)
CLI_SRC := $(wildcard tools/cli/*.c)
UNIT_SRC := $(shell find tests/unit -name '*_test.c' 2>/dev/null)
SUPPORT_SRC := $(wildcard tests/unit/*.c tests/fake/*.c)

LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/obj/%.o)
CLI_OBJ := $(CLI_SRC:%.c=$(BUILD)/obj/%.o)
SUPPORT_OBJ := $(SUPPORT_SRC:%.c=$(BUILD)/obj/%.o)
UNIT_BIN := $(UNIT_SRC:%.c=$(BUILD)/%)

.PHONY: all
all: $(BUILD)/vmferry $(BUILD)/libvmferry.a $(BUILD)/guest.elf

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(BUILD)/libvmferry.a: $(LIB_OBJ)
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) rcs $@ $^

$(BUILD)/vmferry: $(CLI_OBJ) $(BUILD)/libvmferry.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

$(BUILD)/tests/unit/%_test: $(BUILD)/obj/tests/unit/%_test.o $(SUPPORT_OBJ) \
		$(BUILD)/libvmferry.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) -lcmocka

-include tools/guest/guest.mk
-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

.PHONY: unit
unit: $(UNIT_BIN)
	@set -e; for t in $(UNIT_BIN); do echo "== $$t"; $$t; done

.PHONY: clean
clean:
	rm -rf build build-*
