# What can be done with a checkout; `make` alone lists it. Needs a Swift 6.2 toolchain in PATH.

PREFIX = /usr/local
SYSCONFDIR = /etc
DESTDIR =
# static: the hooks are ordinary Swift with the C library in them, larger and slower to start, in place
# of Embedded Swift with musl.
export HOOKS = embedded

PROGRAMS = .build/programs
SBIN = $(DESTDIR)$(PREFIX)/sbin
LIBEXEC = $(DESTDIR)$(PREFIX)/libexec/openvpn-quota
MAN = $(DESTDIR)$(PREFIX)/share/man
BASH_COMPLETIONS = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
ZSH_COMPLETIONS = $(DESTDIR)$(PREFIX)/share/zsh/site-functions
FISH_COMPLETIONS = $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
EXAMPLES = $(DOC)/notify-examples
CONFIG = $(DESTDIR)$(SYSCONFDIR)/openvpn-quota
CRON = $(DESTDIR)$(SYSCONFDIR)/cron.d
LIB = $(DESTDIR)$(PREFIX)/lib
UNITS = $(LIB)/systemd/system
GENERATORS = $(LIB)/systemd/system-generators
DOC = $(DESTDIR)$(PREFIX)/share/doc/openvpn-quota
# What install put where.
MANIFEST = $(LIBEXEC)/manifest
HOOK_NAMES = quota-connect quota-disconnect
COMMANDS = quota-sweep quota-rotate quota-fence quota-admin
# Those that the shells complete.
COMPLETED = $(COMMANDS) quota-sync
# The places in the files that name them; pages name those of the package.
PLACES = sed 's|@SBIN@|$(PREFIX)/sbin|g; s|@LIBEXEC@|$(PREFIX)/libexec/openvpn-quota|g; \
  s|/usr/libexec/openvpn-quota|$(PREFIX)/libexec/openvpn-quota|g; s|/usr/share/doc/openvpn-quota|$(PREFIX)/share/doc/openvpn-quota|g'
# What make fuzz gives each of its targets, 60 unless told, and make soak all of it, for ever unless told.
SECONDS =
# The release of Debian that test-system boots, this host's unless told.
RELEASE =
# deploy sets the config of this server up, after showing the change.
SERVER =

.PHONY: help
help: ## list what can be made
	@sed -n 's/^\([a-z-]*\):.* ## /  \1\t/p' Makefile | expand -t 14

.PHONY: deps
deps: ## install what the build needs and is missing
	@.ci/as-caller sh -c 'command -v swift' >/dev/null || { \
	  echo 'swift not found: install a Swift 6.2 toolchain, https://www.swift.org/install' >&2; \
	  test -z "$$SUDO_USER" || echo "or run make without sudo, which may have dropped it from PATH: it asks for root where it needs that" >&2; \
	  exit 1; }
	@said=$$(.ci/as-caller swift --version 2>&1 >/dev/null) || { \
	  printf '%s\nswift does not start: https://www.swift.org/install has the packages it needs\n' "$$said" >&2; exit 1; }
	@.ci/packages libpq-dev libsqlite3-dev $(if $(filter-out static,$(HOOKS)),musl-tools)

.PHONY: demo-deps
demo-deps: ## install what the demo needs and is missing
	@.ci/packages openvpn openssl iproute2 iputils-ping

.PHONY: test-deps
test-deps: demo-deps ## install what the tests need and is missing
	@.ci/packages acl bash-completion chromium faketime fish libfaketime musl-tools nftables postgresql prometheus python3 sqlite3 strace \
	  mmdebstrap time tzdata util-linux valgrind zsh

.PHONY: build
build: deps ## build the release programs into .build/programs
	@.ci/as-caller .ci/build

.PHONY: check
check: deps ## lint, unit tests and stories on the simulator, for daily work
	@.ci/run check

.PHONY: test
test: test-deps deps ## run every test
	@.ci/run test

.PHONY: torture
torture: test-deps deps ## kill every program at every system call, lose the power in many ways; takes long
	@.ci/run torture

.PHONY: soak
soak: test-deps deps ## random everything on real servers, then on models for SECONDS= or until one fails
	swift build --build-tests
	SOAK=300 QUOTA_PROGRAMS=$(CURDIR)/.build/debug .ci/real-openvpn RandomTests
	SOAK=$(or $(SECONDS),0) swift test --skip-build --disable-xctest --filter 'lives in process|lives of several hosts'

# yes: take instruction counts as they are now, where a change was meant to raise them.
RECORD = no
# The one part to measure, such as fence; all but past unless told.
PART =

.PHONY: bench
bench: test-deps deb ## measure the programs, and write docs/benchmarks.md; PART=fence measures one part
	swift build --product quota-bench
	QUOTA_PROGRAMS=$(CURDIR)/$(PROGRAMS) .build/debug/quota-bench $(if $(filter yes,$(RECORD)),--record) docs/benchmarks.md $(PART)

.PHONY: fuzz
fuzz: deps ## look for input that breaks what reads it, SECONDS=60 for each target
	@.ci/fuzz run $(SECONDS)

.PHONY: sanitize
sanitize: deps ## run tests under AddressSanitizer
	@.ci/sanitize

.PHONY: demo
demo: demo-deps build ## show the main job on a real OpenVPN
	@bash Tests/demo/demo.sh $(PROGRAMS)

.PHONY: pictures
pictures: build ## make the pictures in docs/pictures
	@.ci/packages chromium sqlite3 termtosvg util-linux
	@.ci/pictures $(PROGRAMS) docs/pictures

.PHONY: test-system-deps
test-system-deps:
	@.ci/packages mmdebstrap systemd-container openvpn openssl iproute2 libsqlite3-dev

.PHONY: test-system
test-system: test-system-deps deb ## boot a Debian with the package in it and try everything there; RELEASE=sid
	Tests/system/run.sh $(RELEASE)

.PHONY: test-systems
test-systems: test-system-deps deb ## the same for this host's release, and beside it for sid
	@Tests/system/run.sh sid >.build/system-sid.log 2>&1 & \
	  Tests/system/run.sh; status=$$?; lines=1; wait $$! || { status=1; lines=+1; }; \
	  tail -n $$lines .build/system-sid.log | sed 's/^/sid: /'; exit $$status

.PHONY: install
install: ## install what was built, at DESTDIR, PREFIX and SYSCONFDIR
	@test -x $(PROGRAMS)/quota-disconnect || { echo 'nothing is built yet: run make build' >&2; exit 1; }
	@# What is newer than this was installed now. It stands where it is installed: several may install what was built at once.
	@install -d $(LIBEXEC) && rm -f $(MANIFEST).stamp && touch $(MANIFEST).stamp
	install -v -d -m 0755 $(SBIN) $(LIBEXEC) $(MAN)/man5 $(MAN)/man7 $(MAN)/man8 $(DOC) $(EXAMPLES) $(UNITS) $(GENERATORS) \
	  $(LIB)/sysusers.d $(LIB)/tmpfiles.d $(CONFIG)
	install -v -m 0755 $(PROGRAMS)/openvpn-quota $(LIBEXEC)/
	for command in $(COMMANDS); do ln -sfv ../libexec/openvpn-quota/openvpn-quota $(SBIN)/$$command; done
	install -v -m 0755 $(PROGRAMS)/quota-sync $(SBIN)/
	install -v -m 0755 $(PROGRAMS)/quota-hook $(LIBEXEC)/
	for hook in $(HOOK_NAMES); do ln -sfv quota-hook $(LIBEXEC)/$$hook; done
	install -v -d -m 0755 $(BASH_COMPLETIONS) $(ZSH_COMPLETIONS) $(FISH_COMPLETIONS)
	install -v -m 0644 $(COMPLETED:%=$(PROGRAMS)/completions/%) $(BASH_COMPLETIONS)/
	install -v -m 0644 $(COMPLETED:%=$(PROGRAMS)/completions/_%) $(ZSH_COMPLETIONS)/
	install -v -m 0644 $(COMPLETED:%=$(PROGRAMS)/completions/%.fish) $(FISH_COMPLETIONS)/
	install -v -m 0755 config/notify-examples/* $(EXAMPLES)/
	install -v -m 0644 config/quota.conf config/logrotate.d/openvpn-quota $(DOC)/
	install -v -m 0644 config/systemd/*.timer config/systemd/*.path $(UNITS)/
	install -v -m 0755 config/systemd/openvpn-quota-generator $(GENERATORS)/
	install -v -m 0644 config/sysusers.d/openvpn-quota.conf $(LIB)/sysusers.d/
	install -v -m 0644 config/tmpfiles.d/openvpn-quota.conf $(LIB)/tmpfiles.d/
	@for file in config/systemd/*.service docs/*.md config/openvpn.conf man/*.[578]; do \
	  case $$file in *.service) place=$(UNITS) ;; man/*) place=$(MAN)/man$${file##*.} ;; *) place=$(DOC) ;; esac; \
	  $(PLACES) $$file >$$place/$${file##*/} && chmod 0644 $$place/$${file##*/} || exit 1; done
	@# What may have been edited is never written over; the present sample is beside the manual.
	@test -e $(CONFIG)/quota.conf || install -v -m 0640 config/quota.conf $(CONFIG)/
	@test -e $(CONFIG)/cron || install -v -m 0644 cron.d/openvpn-quota $(CONFIG)/cron
	@# Where systemd runs cron would log these lines each minute, and they would do nothing.
	@test -n "$(DESTDIR)" || test -d /run/systemd/system || test -e $(CRON)/openvpn-quota || \
	  { install -d $(CRON) && ln -sfnv ../openvpn-quota/cron $(CRON)/openvpn-quota; }
	@.ci/manifest write $(MANIFEST) $(MANIFEST).stamp $(SBIN) $(LIBEXEC) $(MAN) $(DOC) $(CONFIG)/cron $$(find $(CRON)/openvpn-quota 2>/dev/null) $(UNITS) \
	  $(GENERATORS) $(LIB)/sysusers.d $(LIB)/tmpfiles.d $(BASH_COMPLETIONS) $(ZSH_COMPLETIONS) $(FISH_COMPLETIONS)
	@rm $(MANIFEST).stamp

.PHONY: deploy
deploy: ## build, install, start and check; SERVER=NAME sets that server up
	@MAKE=$(MAKE) .ci/deploy "$(PREFIX)" "$(SYSCONFDIR)" "$(SERVER)"

.PHONY: deb
deb: build ## make a Debian package of it, below .build
	@.ci/packages dpkg-dev lintian
	@.ci/deb
	lintian --fail-on error .build/openvpn-quota_*.deb .build/openvpn-quota-sync_*.deb

.PHONY: uninstall
uninstall: ## remove what install put there, but not what was changed; settings and database stay
	@test -n "$(DESTDIR)" || .ci/unused "$(PREFIX)/libexec/openvpn-quota"
	@test -n "$(DESTDIR)" || test ! -d /run/systemd/system || \
	  systemctl disable --now quota-sweep.timer quota-rotate.timer quota-sync.timer quota-publish.service quota-fence.path \
	    2>/dev/null || true
	@test -n "$(DESTDIR)" || test ! -x $(SBIN)/quota-fence || $(SBIN)/quota-fence --remove || true
	@.ci/manifest remove $(MANIFEST)
	@test -n "$(DESTDIR)" || test ! -d /run/systemd/system || systemctl daemon-reload || true

.PHONY: format
format: ## lay out the Swift code as .swift-format says
	swift format -i -r Sources Tests Package.swift

.PHONY: lint
lint: man-check ## check the layout of the code, the shell scripts and the manual
	swift format lint --strict -r Sources Tests Package.swift
	@.ci/packages shellcheck
	shellcheck -x $$(grep -rlE '^#!/bin/(ba)?sh' .ci Tests config)
	@.ci/units

.PHONY: man-check
man-check: ## check the manual pages
	@.ci/packages mandoc
	mandoc -T lint -W warning man/*

.PHONY: clean
clean: ## remove what was built
	rm -rf .build .build-fuzz .build-asan
