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

# `make check` sets it: what a newer compiler or library warns of keeps nobody
# from a build.
WERROR ?=
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wwrite-strings -Wformat=2 -Wundef -Wvla $(if $(WERROR),-Werror)
# What this compiler knows of them. Sanitizers and valgrind look for what the
# last two would hide from them.
knows = $(shell for f in $(1); do $(CC) -Werror $$f -E -x c /dev/null \
	>/dev/null 2>&1 && echo $$f; done)
HARDEN := $(call knows,-fstack-protector-strong -fstack-clash-protection \
	-fcf-protection $(if $(EXTRA),,-fno-strict-overflow \
	-ftrivial-auto-var-init=zero)) -fPIE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
LINK_HARDEN := -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code \
	-Wl,-z,shstk,--as-needed
# Sanitizers and valgrind bring their own flags here, and a BUILD of their own.
EXTRA ?=
CPPFLAGS_ALL = -D_GNU_SOURCE -DVMFERRY_VERSION='"$(VERSION)"' -I. \
	$(shell pkg-config --cflags $(PKGS)) $(LIBSSH2_CPPFLAGS) $(CPPFLAGS)
CFLAGS_ALL = -std=gnu11 -pthread $(WARN) $(HARDEN) $(CFLAGS) $(EXTRA)
LDFLAGS_ALL = -pthread $(LINK_HARDEN) $(LDFLAGS) $(EXTRA)

# LIBSSH2=static links libssh2.a, where less stands between a packet and its
# cipher (transport/endpoint/cipher_hook.h); the shared library is mended by the
# distribution alone. Of libssh2's own functions only known ones are replaced.
LIBSSH2 ?= shared
ifeq ($(LIBSSH2),static)
LIBSSH2_A := $(shell pkg-config --variable=libdir libssh2)/libssh2.a
LIBSSH2_CRYPT := $(if $(filter 1.10.% 1.11.%,$(shell pkg-config --modversion \
	libssh2)),$(shell nm $(LIBSSH2_A) 2>/dev/null | \
	sed -n 's/.* T \(_libssh2_cipher_crypt\)$$/\1/p'))
LIBSSH2_CPPFLAGS := -DCIPHER_HOOK_STATIC \
	$(if $(LIBSSH2_CRYPT),-DCIPHER_HOOK_LIBSSH2)
LIBS = $(shell pkg-config --libs json-c) $(LIBSSH2_A) -lz -lcrypto -lm \
	$(foreach f,EVP_Cipher EVP_CipherInit EVP_CIPHER_CTX_free \
	$(LIBSSH2_CRYPT),-Wl,--wrap=$(f))
else
LIBS = $(shell pkg-config --libs $(PKGS)) -lcrypto -lm
endif

# For the targets that build by themselves; others take make's own -j.
JOBS ?= $(shell nproc)
# End-to-end modules at a time; more than one needs root.
LANES ?= $(shell [ "$$(id -u)" = 0 ] && echo 2 || echo 1)

# One short line a step; V=1 shows the commands.
V ?= 0
ifeq ($(V),0)
Q := @
say = @printf '  %-6s %s\n' $(1) $(2)
else
Q :=
say = @:
endif

LIB_SRC := $(wildcard transport/base/*.c transport/endpoint/*.c \
	transport/*.c qmp/*.c engine/*.c engine/*/*.c)
# Run on hosts: admit.sh is the text admit_sh[].
SH_SRC := $(wildcard transport/*.sh engine/*/*.sh)
# Run on this machine.
SH_TOOLS := $(wildcard .ci/*.sh tools/*/*.sh tests/*/*.sh) .ci/run \
	tools/dev/fresh tests/model/run
CLI_SRC := $(wildcard tools/cli/*.c)
UNIT_SRC := $(shell find tests/unit -name '*_test.c' 2>/dev/null)
SUPPORT_SRC := $(wildcard tests/unit/*.c tests/fake/*.c)

LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/obj/%.o) $(SH_SRC:%=$(BUILD)/obj/%.o)
CLI_OBJ := $(CLI_SRC:%.c=$(BUILD)/obj/%.o)
SUPPORT_OBJ := $(SUPPORT_SRC:%.c=$(BUILD)/obj/%.o)
UNIT_BIN := $(UNIT_SRC:%.c=$(BUILD)/%)

.PHONY: all
all: $(BUILD)/vmferry $(BUILD)/libvmferry.a $(BUILD)/guest.elf

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# The one file to which it makes a difference.
%/obj/transport/endpoint/cipher_hook.o: %/libssh2.$(LIBSSH2)
%/libssh2.$(LIBSSH2):
	@mkdir -p $(@D)
	@rm -f $(@D)/libssh2.*
	@touch $@

# A script without its comments, as an array of C.
.SECONDARY: $(SH_SRC:%=$(BUILD)/gen/%.c)
$(BUILD)/gen/%.sh.c: %.sh Makefile
	@mkdir -p $(@D)
	$(Q){ echo 'extern const char $(*F)_sh[];'; \
		echo 'const char $(*F)_sh[] ='; \
		sed -e '/^[[:blank:]]*#/d' -e 's/[\\"]/\\&/g' \
			-e 's/.*/"&\\n"/' $<; echo '"";'; } >$@

$(BUILD)/obj/%.sh.o: $(BUILD)/gen/%.sh.c
	@mkdir -p $(@D)
	$(call say,CC,$*.sh)
	$(Q)$(CC) $(CFLAGS_ALL) -c -o $@ $<

$(BUILD)/libvmferry.a: $(LIB_OBJ)
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) rcs $@ $^

$(BUILD)/vmferry: $(CLI_OBJ) $(BUILD)/libvmferry.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# The program without its main(), for its own unit tests.
$(BUILD)/libcli.a: $(filter-out %/main.o,$(CLI_OBJ))
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) rcs $@ $^

.SECONDARY:
$(BUILD)/tests/unit/%_test: $(BUILD)/obj/tests/unit/%_test.o $(SUPPORT_OBJ) \
		$(BUILD)/libcli.a $(BUILD)/libvmferry.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) -lcmocka

-include tools/guest/guest.mk
-include tests/fuzz/fuzz.mk
-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# --- tests ------------------------------------------------------------------

.PHONY: unit
unit: $(UNIT_BIN)
	$(Q)JOBS=$(JOBS) tools/dev/run_unit.sh $(UNIT_BIN)

.PHONY: check
check: export WERROR := 1
check: need-check
	$(Q)$(MAKE) -j$(JOBS) all man
	$(Q)$(MAKE) -j$(JOBS) lint
	$(Q)$(MAKE) -j$(JOBS) unit
	$(Q)$(MAKE) -j$(JOBS) asan-unit
	$(Q)$(MAKE) model assume
	$(Q)$(MAKE) -j$(JOBS) fuzz-regress
	$(Q)VMFERRY_BUILD=$(BUILD) tests/e2e/run.py --lanes $(LANES)
	$(Q)[ "$$(id -u)" != 0 ] || $(MAKE) -j$(JOBS) faults-tenth

# The protocol, explored state by state with the code's own recovery table, and
# recoveries of the model replayed by the program.
.PHONY: model
model: $(BUILD)/libvmferry.a $(BUILD)/vmferry
	$(Q)tests/model/run

# What QEMU does, shown on the installed one.
.PHONY: assume
assume: $(BUILD)/guest.elf
	$(Q)tests/assume/tcg_dirty_bits.py
	$(Q)tests/assume/roots_images.py || [ $$? = 77 ]

.PHONY: e2e
e2e: all
	$(Q)VMFERRY_BUILD=$(BUILD) tests/e2e/run.py --lanes $(LANES)

# The demo installs what it lacks when run by root, and says what otherwise.
.PHONY: demo
demo: need
	$(Q)$(MAKE) -j$(JOBS) all
	$(Q)VMFERRY_BUILD=$(BUILD) tools/demo/demo.py

# As often as asked, with every core kept busy.
.PHONY: demo-load
demo-load: N = 20
demo-load: all
	$(Q)VMFERRY_BUILD=$(BUILD) tools/demo/under_load.py $(N)

.PHONY: need need-check
need:
	$(Q)tools/dev/need.sh
need-check:
	$(Q)tools/dev/need.sh check

# A build of its own for each tool that needs other flags.
ASAN := -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
.PHONY: asan asan-unit tsan valgrind analyze
asan:
	$(Q)$(MAKE) BUILD=build-asan EXTRA='$(ASAN)' CFLAGS='-O1 -g' all
asan-unit:
	$(Q)LSAN_OPTIONS=suppressions=tests/lsan.supp:print_suppressions=0 \
		$(MAKE) BUILD=build-asan EXTRA='$(ASAN)' CFLAGS='-O1 -g' unit
tsan:
	$(Q)$(MAKE) BUILD=build-tsan EXTRA=-fsanitize=thread CFLAGS='-O1 -g' \
		unit
valgrind:
	$(Q)$(MAKE) BUILD=build-valgrind EXTRA=-DVMFERRY_VALGRIND unit \
		UNIT_RUNNER='valgrind -q --error-exitcode=99 --leak-check=full'
analyze:
	$(Q)$(MAKE) BUILD=build-analyze EXTRA=-fanalyzer build-analyze/libvmferry.a

# Each file's unit program against mutants of the file; resumes from its ledger.
# MUTANTS='--count 300 --seed 1 --files GLOB' chooses.
.PHONY: mutants mutants-run
mutants:
	$(Q)$(MAKE) BUILD=build-mutants EXTRA='$(ASAN)' CFLAGS='-O1 -g' \
		mutants-run
mutants-run: export MUTANTS_COMPILE = $(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL)
mutants-run: export MUTANTS_LIBS = $(LIBS) -lcmocka
mutants-run: $(UNIT_SRC:%.c=$(BUILD)/obj/%.o) $(SUPPORT_OBJ) \
		$(BUILD)/libcli.a $(BUILD)/libvmferry.a
	$(Q)set -f; tests/mutants/mutants.py --build $(BUILD) --jobs $(JOBS) $(MUTANTS)

# Two hosts in namespaces, there and back, N times; resumes from its ledger.
N ?= 200
.PHONY: soak
soak: all
	$(Q)tests/e2e/soak.py $(N)

# Two hosts with a systemd each, in namespaces or (KIND=machine) emulated;
# resumes from its book.
KIND ?= container
.PHONY: lab-systemd
lab-systemd: all fault-build
	$(Q)VMFERRY_BUILD=$(BUILD) VMFERRY_LAB=$(KIND) tests/systemd/run.py

# Eight migrations at once; thirty-two in a queue.
.PHONY: crowd
crowd: all
	$(Q)tests/e2e/run.py crowd

# The fault matrix, whole, with named fault points, with the memory on each lane;
# resumes from its ledger.
.PHONY: faults faults-tenth fault-build
fault-build:
	$(Q)$(MAKE) BUILD=build-fault EXTRA=-DVMFERRY_FAULTS all
faults: all fault-build
	$(Q)set -e; for lane in ssh openssh tcp; do \
		VMFERRY_BUILD=build-fault tests/fault/matrix.py \
			--transport $$lane --lanes $(LANES); \
	done
faults-tenth: all fault-build
	$(Q)VMFERRY_BUILD=build-fault tests/fault/matrix.py --tenth --lanes $(LANES)

# --- lint -------------------------------------------------------------------

C_FILES := $(LIB_SRC) $(CLI_SRC) $(UNIT_SRC) $(SUPPORT_SRC) \
	tests/model/verdict_dump.c tests/model/fake_system.c \
	$(wildcard tests/fuzz/*.c)
HEADERS := $(wildcard transport/*.h transport/base/*.h transport/endpoint/*.h \
	qmp/*.h engine/*.h engine/*/*.h tools/cli/*.h tests/fake/*.h tests/unit/*.h tests/fuzz/*.h)
TIDY_SRC := $(LIB_SRC) $(CLI_SRC)
.PHONY: lint layers words format shell symbols cppcheck tidy
lint: layers words format shell symbols cppcheck tidy
layers:
	$(Q)tools/dev/layers.sh
words:
	$(Q)tools/dev/words.sh
format:
	$(Q)tools/dev/format.sh $(C_FILES) $(HEADERS)
shell:
	$(Q)shellcheck -S warning $(SH_SRC) $(SH_TOOLS)
symbols: $(LIB_OBJ) $(CLI_OBJ)
	$(Q)tools/dev/symbols.sh $(BUILD)
# json-c's loop macro is beyond it.
cppcheck:
	$(Q)cppcheck --quiet --std=c11 --enable=warning,portability \
		--inline-suppr --error-exitcode=1 -I. -j2 \
		--suppress=unknownMacro \
		--suppress=normalCheckLevelMaxBranches \
		--suppress=missingIncludeSystem $(LIB_SRC) $(CLI_SRC)
tidy: $(TIDY_SRC:%.c=$(BUILD)/tidy/%.ok)
$(BUILD)/tidy/%.ok: %.c .clang-tidy
	@mkdir -p $(@D)
	$(call say,TIDY,$<)
	$(Q)clang-tidy --quiet $< -- -std=gnu11 $(CPPFLAGS_ALL) 2>/dev/null
	@touch $@

# --- documents and installation ------------------------------------------------

.PHONY: man
man: $(BUILD)/vmferry.1
$(BUILD)/vmferry.1: $(BUILD)/vmferry
	$(call say,MAN,$@)
	$(Q)$(BUILD)/vmferry help --man >$@
$(BUILD)/completion/vmferry.%: $(BUILD)/vmferry
	@mkdir -p $(@D)
	$(Q)$(BUILD)/vmferry help --completion $* >$@

.PHONY: install
install: $(BUILD)/vmferry $(BUILD)/libvmferry.a $(BUILD)/vmferry.1 \
		$(BUILD)/completion/vmferry.bash $(BUILD)/completion/vmferry.zsh
	install -D -m 755 $(BUILD)/vmferry $(DESTDIR)$(PREFIX)/bin/vmferry
	install -D -m 644 $(BUILD)/libvmferry.a \
		$(DESTDIR)$(PREFIX)/lib/libvmferry.a
	install -D -m 644 engine/vmferry.h $(DESTDIR)$(PREFIX)/include/vmferry.h
	install -D -m 644 $(BUILD)/vmferry.1 \
		$(DESTDIR)$(PREFIX)/share/man/man1/vmferry.1
	install -D -m 644 $(BUILD)/completion/vmferry.bash \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/vmferry
	install -D -m 644 $(BUILD)/completion/vmferry.zsh \
		$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_vmferry

.PHONY: clean
clean:
	rm -rf build build-*

.PHONY: help
help:
	@echo 'make           builds build/vmferry, build/libvmferry.a, the guest'
	@echo 'make demo      migrates a real guest live on this machine'
	@echo 'make demo-load N=20   the same under load, so many times'
	@echo 'make check     lint, unit tests, sanitizers, end-to-end tests'
	@echo 'make unit model assume e2e   parts of it'
	@echo 'make lint      layers, words, shellcheck, cppcheck, clang-tidy'
	@echo 'make asan      an ASan+UBSan build in build-asan'
	@echo 'make fuzz      each fuzzer for 60 s'
	@echo 'make faults    the fault matrix, whole; tests/fault/README.md'
	@echo 'make lab-systemd   units, logins and boots of a real systemd'
	@echo 'make mutants   what the unit tests would not notice'
	@echo 'make crowd     eight migrations at once, thirty-two in a queue'
	@echo 'make tsan valgrind analyze soak N=200   the longer ones'
	@echo 'make LIBSSH2=static BUILD=build-static   with libssh2.a: faster'
	@echo 'make install PREFIX=/usr/local DESTDIR='
