# Sluice: an egress policy proxy.  `make` alone lists what can be done; `make run` and
# `make check` install what they need from Debian's packages first.

B	?= build/release
CC	?= cc
CFLAGS	?= -O2 -g
PYTHON	?= /usr/bin/python3
PREFIX	?= /usr/local
TESTS	?= tests/e2e

WARN	:= -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
	   -Wmissing-prototypes -Wwrite-strings -Wcast-qual -Wvla -Wundef -Wformat=2 \
	   -Wnull-dereference -Wimplicit-fallthrough -Werror
ifeq (,$(findstring clang,$(CC)))
WARN	+= -Wlogical-op -Wduplicated-cond
endif
# Jumps and returns go where the program sent them, where the processor can check that.
BRANCH_x86_64	:= -fcf-protection=full
BRANCH_aarch64	:= -mbranch-protection=standard
BRANCH	:= $(BRANCH_$(firstword $(subst -, ,$(shell $(CC) -dumpmachine))))
HARDEN	:= -fPIE -fstack-protector-strong -fstack-clash-protection $(BRANCH)
# A forgotten variable says nothing of what was on the stack before; clang 14 has no zero.
ifeq (,$(findstring clang,$(CC)))
HARDEN	+= -ftrivial-auto-var-init=zero
else
HARDEN	+= -ftrivial-auto-var-init=pattern
endif
FORTIFY	?= -D_FORTIFY_SOURCE=3
LINK	:= -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code
# Five objects of it, without the rest: base/digest.c.
CRYPTO	?= -l:libcrypto.a
# Of these, too, only what unpacks, and no library more to load at each start.
UNPACK	?= -l:libz.a -l:liblzma.a
LIBS	:= -levent_core -lcares -lyaml -lpsl -lidn2 -ljansson $(UNPACK) $(CRYPTO) -lpthread
FLAGS	 = -std=c17 -D_GNU_SOURCE -I. $(WARN) $(HARDEN) $(FORTIFY) $(CFLAGS)

# What runs when the program is built: it finds out what is the same at every start.
BUILDER	:= proxy/server/confine_calls.c proxy/server/confine_export.c policy/suffix_export.c
SOURCES	:= $(filter-out proxy/cli/main.c $(BUILDER), \
	   $(shell find base blocklists policy proxy -name '*.c' | sort))
DATA	:= $(shell find base blocklists policy proxy -name '*.S' | sort)
HEADERS	:= $(shell find base blocklists policy proxy -name '*.h' | sort)
OBJECTS	:= $(SOURCES:%.c=$B/%.o) $(DATA:%.S=$B/%.o)
UNIT	:= $(patsubst tests/unit/%.c,$B/unit/%,$(sort $(wildcard tests/unit/*_test.c)))
FUZZ	:= $(patsubst tests/fuzz/%_fuzz.c,%,$(sort $(wildcard tests/fuzz/*_fuzz.c)))
REPLAY	:= $(FUZZ:%=$B/replay/%)

SANITIZE_ADDRESS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all
SANITIZE_THREAD	:= -O1 -g -fsanitize=thread

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup-build  ## install what is missing, build, and serve on 127.0.0.1:3128
	@$(MAKE) --no-print-directory -s build
	./sluice serve

check: setup-check  ## install what is missing, build, and run every test
	@$(MAKE) --no-print-directory -s build layers
	@$(MAKE) --no-print-directory -s unit replay
	@$(MAKE) --no-print-directory docs-test e2e e2e-spliced

build: sluice  ## build ./sluice

sluice: $B/sluice
	@ln -sf $< $@

$B/sluice: $B/proxy/cli/main.o $(OBJECTS)
	$(CC) $(CFLAGS) $(LINK) -o $@ $^ $(LIBS)

# The same program, to which any flow is bulk from its first byte: all goes through pipes.
$B/spliced/sluice: $B/proxy/cli/main.o $B/spliced/flow.o $(filter-out %/tunnel/flow.o,$(OBJECTS))
	$(CC) $(CFLAGS) $(LINK) -o $@ $^ $(LIBS)

$B/spliced/flow.o: proxy/tunnel/flow.c
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -DFLOW_BULK=0 -MMD -MP -c -o $@ $<

build/faults/sluice: $B/proxy/cli/main.o $B/tests/faults/inject.o $(OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LINK) -o $@ $^ $(LIBS)

unit: $(UNIT)  ## build and run every unit test
	@set -e; for t in $(UNIT); do echo "== $$t"; $$t; done

replay: $(REPLAY)  ## run every fuzz target over its corpus
	@set -e; for t in $(FUZZ); do $B/replay/$$t tests/fuzz/corpus/$$t; done

e2e: $B/sluice $B/load  ## end to end, with real clients in a network namespace of its own
	SLUICE=$(abspath $B/sluice) $(PYTHON) tests/e2e/run.py $(TESTS)

# Tunnels again where each of their bytes goes through a pipe: `make e2e` copies small ones.
e2e-spliced: $B/spliced/sluice
	SLUICE=$(abspath $B/spliced/sluice) $(PYTHON) tests/e2e/run.py tests/e2e/test_tunnels.py \
	    tests/e2e/test_resets.py tests/e2e/test_sni_retry.py

docs-test: $B/sluice
	SLUICE=$(abspath $B/sluice) $(PYTHON) -m pytest -q -p no:cacheprovider tests/docs_test.py

asan:  ## every test again under address and undefined-behaviour sanitizers
	@$(MAKE) --no-print-directory -s B=build/asan FORTIFY= CFLAGS='$(SANITIZE_ADDRESS)' \
	    build/asan/sluice unit replay
	@$(MAKE) --no-print-directory B=build/asan FORTIFY= CFLAGS='$(SANITIZE_ADDRESS)' e2e e2e-spliced

tsan:  ## every test again under the thread sanitizer
	@$(MAKE) --no-print-directory -s B=build/tsan FORTIFY= CFLAGS='$(SANITIZE_THREAD)' \
	    build/tsan/sluice unit
	@$(MAKE) --no-print-directory B=build/tsan FORTIFY= CFLAGS='$(SANITIZE_THREAD)' e2e e2e-spliced

# The same program with calls that fail when they are told to: tests/faults/inject.c.
faults:  ## fail every allocation and system call of start, tunnel, request and reload
	@$(MAKE) --no-print-directory -s B=build/asan FORTIFY= CFLAGS='$(SANITIZE_ADDRESS)' \
	    build/faults/sluice
	SLUICE=$(abspath build/faults/sluice) $(PYTHON) tests/faults/run.py $(if $(STRIDE),--stride $(STRIDE))

# Pure layers and the parsers of hostile bytes: 95 % of lines, 90 % of branches.
COVERED	:= -f 'base/' -f 'blocklists/' -f 'policy/' -f 'proxy/session/(head|request|response|forward)\.c' \
	   -f 'proxy/session/(hello|handshake|chunked)\.c' \
	   -f 'proxy/upstream/message\.c'
coverage:  ## unit tests with coverage, and its floor
	@$(MAKE) --no-print-directory -s B=build/coverage FORTIFY= CFLAGS='-O0 -g --coverage -fprofile-update=atomic' unit >/dev/null
	gcovr -r . $(COVERED) --exclude-throw-branches --exclude-unreachable-branches \
	    -e 'tests/' --print-summary --fail-under-line 95 --fail-under-branch 90 \
	    --object-directory build/coverage -s

lint: layers  ## formatting, static analysis, layers, manual pages
	clang-format --dry-run -Werror $(shell find base blocklists policy proxy tests -name '*.[ch]')
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability \
	    --inline-suppr --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches \
	    -j 2 -D_GNU_SOURCE -I. base blocklists policy proxy
	printf '%s\n' $(SOURCES) $(BUILDER) proxy/cli/main.c | \
	    xargs -P 2 -n 8 clang-tidy --quiet --warnings-as-errors='*'
	mandoc -Tlint -Wwarning docs/sluice.8 docs/sluice.yaml.5

layers:  ## includes point down only: proxy -> policy -> blocklists -> base
	@! grep -rnE '#include "(proxy|policy|blocklists)/' base
	@! grep -rnE '#include "(proxy|policy)/' blocklists
	@! grep -rnE '#include "proxy/' policy
	@! grep -rnE '#include <(event2|ares|openssl/ssl)' base blocklists policy
	@! grep -rlE '#include <jansson' base blocklists policy | grep -v '^blocklists/format_drop.c$$'
	@! grep -rlE '#include <(zlib|lzma)' base blocklists policy proxy \
	    | grep -vE '^(blocklists/stream|proxy/cli/version)\.c$$'
	@! grep -rlE '#include <yaml' base blocklists policy proxy | grep -v '^policy/document.c$$' \
	    | grep -v '^proxy/cli/version.c$$'
	@! grep -rlE '#include <seccomp' base blocklists policy proxy \
	    | grep -vE '^proxy/(server/confine_calls|cli/version)\.c$$'
	@! grep -rnE '#include "proxy/(session|server|cli)/' proxy/loop proxy/upstream proxy/tunnel \
	    proxy/audit
	@! grep -rnE '#include "proxy/(server|cli)/' proxy/session
	@for h in $(HEADERS); do printf '#include "%s"\n' $$h | \
	    $(CC) -std=c17 -D_GNU_SOURCE -I. $(WARN) -fsyntax-only -xc - || exit 1; done
	@echo "layers: clean"

T ?= host
S ?= 60
fuzz:  ## fuzz one target with libFuzzer: make fuzz T=host S=60
	@$(MAKE) --no-print-directory -s build/fuzz/$T.run CC=clang B=build/fuzz FORTIFY= \
	    CFLAGS='-O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all'
	@mkdir -p build/fuzz/corpus/$T
	build/fuzz/$T.run -max_total_time=$S -print_final_stats=1 build/fuzz/corpus/$T \
	    tests/fuzz/corpus/$T

bench: $B/sluice $B/load  ## measure beside other proxies: make bench R=5 ONLY=rate,idle PROXIES=floor,sluice OUT=FILE
	SLUICE=$(abspath $B/sluice) LOAD=$(abspath $B/load) $(PYTHON) tests/bench/bench.py \
	    $(if $(R),--rounds $(R)) $(if $(ONLY),--only $(ONLY)) \
	    $(if $(PROXIES),--proxies $(PROXIES)) $(if $(OUT),--out $(OUT))

costs: $B/decide_bench  ## what a decision, the parsers and an audit line cost, as ratios
	$B/decide_bench

$B/decide_bench: $B/tests/bench/decide_bench.o $(OBJECTS)
	$(CC) $(CFLAGS) $(LINK) -o $@ $^ $(LIBS)

# The load program of `make bench`; a test runs it, too, so that it does not rot.
LOAD	:= $(patsubst %,$B/tests/bench/%.o,load call hello kinds start upstream floor) $B/base/memory.o
$B/load: $(LOAD)
	$(CC) $(CFLAGS) $(LINK) -o $@ $^ -lssl -lcrypto

# The lists are not in this tree: one name a line, for example a million, and 400,000 others.
image-bench: $B/image_bench  ## what a compiled list costs: make image-bench NAMES=FILE PROBES=FILE [MIXED='LIST...']
	@if [ -r "$(NAMES)" ] && [ -r "$(PROBES)" ]; then $B/image_bench "$(NAMES)" "$(PROBES)" $(MIXED); else \
	    echo "image-bench: skipped, NAMES and PROBES are not two lists"; fi

$B/image_bench: $B/tests/bench/image_bench.o $(OBJECTS)
	$(CC) $(CFLAGS) $(LINK) -o $@ $^ $(LIBS)

images-bench: $B/sluice $B/load  ## what serving with a compiled list costs: make images-bench NAMES=FILE R=5
	@if [ -r "$(NAMES)" ]; then SLUICE=$(abspath $B/sluice) LOAD=$(abspath $B/load) \
	    $(PYTHON) tests/bench/images.py $(if $(R),--rounds $(R)) "$(NAMES)"; else \
	    echo "images-bench: skipped, NAMES is not a list"; fi

flood: $B/sluice $B/flood  ## survive 5,000 CONNECT a second in 64 MiB: make flood S=300 (needs root)
	SLUICE=$(abspath $B/sluice) FLOOD=$(abspath $B/flood) $(PYTHON) tests/bench/flood.py $(if $(filter file,$(origin S)),300,$S)

$B/flood: $B/tests/bench/flood.o
	$(CC) $(CFLAGS) $(LINK) -o $@ $^

soak: $B/sluice  ## mixed work with 5 % faults, then compare: make soak S=1800 SLUICE=build/asan/sluice
	SLUICE=$(abspath $(or $(SLUICE),$B/sluice)) $(PYTHON) tests/soak/soak.py $(if $(filter file,$(origin S)),1800,$S) $(SEED)

mutants:  ## every listed one-line mutant must make a unit test fail
	$(PYTHON) tests/mutants/run.py

install: build  ## install the program, its manual, units and catalogue under PREFIX
	install -D -m 755 $B/sluice $(DESTDIR)$(PREFIX)/sbin/sluice
	install -D -m 644 docs/sluice.8 $(DESTDIR)$(PREFIX)/share/man/man8/sluice.8
	install -D -m 644 docs/sluice.yaml.5 $(DESTDIR)$(PREFIX)/share/man/man5/sluice.yaml.5
	install -D -m 644 deploy/catalogue.yaml $(DESTDIR)$(PREFIX)/share/sluice/catalogue.yaml
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's,/usr/local/,$(PREFIX)/,' deploy/sluice-blocklist.service \
	    >$(DESTDIR)$(PREFIX)/lib/systemd/system/sluice-blocklist.service
	install -m 644 deploy/sluice-blocklist.timer $(DESTDIR)$(PREFIX)/lib/systemd/system/

clean:  ## remove what was built
	rm -rf build sluice

setup-build:
	@deploy/packages.sh build

# undici is the one client that Debian does not have; its test says so when it is absent.
setup-check:
	@deploy/packages.sh check
	@test -d build/e2e/node_modules/undici || { mkdir -p build/e2e && \
	    cp tests/e2e/package.json build/e2e/ && cd build/e2e && \
	    npm install --silent --no-audit --no-fund --no-package-lock; } || \
	    echo "undici could not be installed: its test will be skipped"

$B/unit/%: $B/tests/unit/%.o $(OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LINK) -o $@ $^ -lcmocka $(LIBS)

# What the build made of its tables is compared with the tables.
$B/unit/confine_test: $B/proxy/server/confine_calls.o
$B/unit/confine_test: LIBS += -lseccomp
# A kernel that refuses a call is a thread under a filter.
$B/unit/pipes_test $B/unit/flow_bulk_test: LIBS += -lseccomp

# The session target brings its own kernel, event loop, DNS and record.
FAKES	:= $(patsubst %.c,$B/%.o,$(wildcard tests/fuzz/fake_*.c))
$B/replay/session $B/session.run: WRAP := -Wl,@tests/fuzz/session.wrap
$B/replay/session $B/session.run: $(FAKES)

$B/replay/%: $B/tests/fuzz/%_fuzz.o $B/tests/fuzz/replay.o $(OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LINK) $(WRAP) -o $@ $^ $(LIBS)

$B/%.run: $B/tests/fuzz/%_fuzz.o $(OBJECTS)
	$(CC) $(CFLAGS) -fsanitize=fuzzer,address,undefined $(WRAP) -o $@ $^ $(LIBS)

$B/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -MMD -MP -c -o $@ $<

# The data files are embedded: a change of one makes its object stale.
$B/%.o: %.S
	@mkdir -p $(@D)
	$(CC) $(BRANCH) -I. -Wa,-I$B -c -o $@ $<
$(DATA:%.S=$B/%.o): base/object.inc $(wildcard blocklists/data/* policy/data/*)
$B/proxy/server/filter.o: $B/proxy/server/filter.bpf
$B/policy/suffix_filter.o: $B/policy/suffix.filter

$B/confine_export: $(patsubst %,$B/%.o,proxy/server/confine_calls proxy/server/confine_export \
    base/memory base/text)
	$(CC) $(CFLAGS) $(LINK) -o $@ $^ -lseccomp

$B/suffix_export: $(patsubst %,$B/%.o,policy/suffix_export base/file base/memory base/report \
    base/text base/utf8)
	$(CC) $(CFLAGS) $(LINK) -o $@ $^ -lpsl -lidn2 $(CRYPTO)

$B/proxy/server/filter.bpf: $B/confine_export
	$< >$@.new && mv $@.new $@

$B/policy/suffix.filter: $B/suffix_export
	$< >$@.new && mv $@.new $@

-include $(shell find $B -name '*.d' 2>/dev/null)
.PHONY: help run check build unit replay e2e e2e-spliced docs-test asan tsan faults coverage lint layers fuzz bench costs image-bench images-bench flood \
	soak mutants install clean setup-build setup-check
.SECONDARY:
