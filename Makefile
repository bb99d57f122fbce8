# make demo     sets everything up and places real calls; says what to try next (WEB=1: and opens the console on them)
# make check    what holds before each commit: lint, and the fast tests, with few cases of each and few examples of
#               each property (three minutes)
# make test     sets everything up and runs the tests, on a real Asterisk 22 and 16, a PostgreSQL and a browser
#               too (eight minutes; NIGHT=1: also those that take long and repeat what a shorter one shows)
# make fast     the same without those on a real Asterisk
# make nightly  what takes longer, one after the other, and a table of what was found: an hour: bare machines, another
#               Python, packages, attacks, the bench (NIGHTLY="bare packages": these)
# make bare     make demo and make test in a bare Debian 12 and 13, as root and as an ordinary user; needs root and
#               debootstrap (BARE="trixie:plain bookworm:root": there)
# make mutants  which changes to the program no test notices (MODULES="call/agi call/spool": of these modules)
# make torture  the attacks among the tests, much longer: some hours (TIMES=10: ten times as long as in make test)
# make bench    measures informativa beside its peers, and writes a report into .bench/ (about half an hour), on the
#               distribution's Python where that is 3.11 or newer (PYTHON=python3.12: on that one)
# make lint     style, types, import contracts, names and docstrings
# make messages brings the translations up to date with the source, and says what is to be translated
# make docs     writes docs/reference.md anew, and the names in evidence.md
# make plans    makes the table of the world's numbering plans anew, from the phonenumbers that is installed
# make freepbx-module  writes dist/informativa-VERSION.tgz, for `fwconsole ma` on a FreePBX
# make screens  takes the pictures of the README anew
# make release  builds a release of what is committed, from end to end, into dist (RELEASE=DIR: there)
# make deb      the Debian packages (amd64, arm64), their parts lists and checksums, into dist/ (DEB=FOLDER: there)
# make repository  a signed apt repository of them (KEY=NAME of gpg; REPOSITORY=FOLDER URL=ADDRESS DIST=FOLDER)
# make pex      one file for other Linux systems with Python 3.11 or newer, into dist/ (PEX=FOLDER: there)
# make packages tries both: the package in bare Debians, rung, upgraded and purged there, which needs root
# make requirements  pins what tests need anew, with hashes (REQUIREMENTS=--upgrade: the newest of everything)
CHOSEN := $(PYTHON)
PYTHON ?= python3
BARE ?= bookworm:root bookworm:plain trixie:root trixie:plain
# For `bench`, unless one is chosen: the distribution's, which admins have. Others may be compiled without profile.
DISTRIBUTIONS = $(shell /usr/bin/python3 -c 'import sys; print(sys.executable if sys.version_info >= (3, 11) else "")' 2>/dev/null)
export PYTHONPATH := tests
unexport PYTHONDONTWRITEBYTECODE  # pytest takes ten seconds to read all tests anew
COMPILE = .venv/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11 $(REQUIREMENTS)
TIMES ?= inf
TORTURE = tests/torture tests/evidence tests/asterisk/test_faults.py
MUTMUT = tests/mutants-requirements.txt

WORKERS = $(shell echo $$((3 * $$(nproc))))  # a call takes seconds, in which its worker waits
TESTS = .venv/bin/python -m pytest -n $(WORKERS) --dist worksteal --ignore=tests/packages $(if $(NIGHT),,-m "not night")

.PHONY: demo screens check test nightly fast bare mutants torture bench messages docs plans requirements deb pex packages lint lint-types lint-style lint-imports lint-names lint-prompts setup clean release repository freepbx-module
demo: setup
	@.venv/bin/python -m demo.run $(if $(WEB),--web)

test: setup
	@.venv/bin/python -m lab.fetch
	@$(TESTS) $(PYTEST)

check: WORKERS = $(shell echo $$(($$(nproc) + 2)))
check: lint
	@INFORMATIVA_FEW=$(if $(PYTEST),,1) $(TESTS) -m "not night and not slow" $(PYTEST)

fast: setup
	@$(TESTS) --ignore=tests/asterisk --ignore=tests/test_lab.py $(PYTEST)

nightly: setup
	@.venv/bin/python -m lab.nightly $(NIGHTLY)

bare:
	@$(PYTHON) -m lab.bare $(BARE) -- make demo -- make test

mutants: setup
	@.venv/bin/python -m lab.mutants $(MODULES)

torture: setup
	@.venv/bin/python -m lab.fetch
	@INFORMATIVA_TORTURE=$(TIMES) .venv/bin/python -m pytest -rP --timeout 7200 $(PYTEST) $(TORTURE)

bench:
	@$(or $(CHOSEN),$(DISTRIBUTIONS),$(PYTHON)) -m lab.setup .bench/venv
	@.bench/venv/bin/python -m bench $(BENCH)

messages: setup
	@.venv/bin/python -m lab.messages

lint: setup
	@$(MAKE) --no-print-directory --jobs=2 --output-sync lint-types lint-style lint-imports lint-names lint-prompts

lint-types:
	@.venv/bin/mypy

lint-style:
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .

lint-imports:
	@.venv/bin/lint-imports

lint-names:
	@.venv/bin/python -m lab.naming

lint-prompts:
	@.venv/bin/python prompts/render.py --check

setup:
	@$(PYTHON) -m lab.setup

clean:
	rm -rf .venv .demo .bench .mutants .nightly

docs: setup
	@.venv/bin/python -m informativa.cli.reference > docs/reference.md
	@.venv/bin/python -m lab.evidence_page

plans: setup
	@.venv/bin/python -m numbering_plans

freepbx-module: setup
	@.venv/bin/python -m freepbx.module

screens: setup
	@.venv/bin/python -m lab.fetch
	@.venv/bin/python -m demo.screens

# No address stands there: where packages come from is pip's own setting. Without --upgrade what still fits keeps
# its version. mutmut's go into an environment that has all others.
requirements: setup
	@$(COMPILE) --all-extras --output-file tests/requirements.txt pyproject.toml
	@sed -n 's/==.*//p' $(MUTMUT) | $(COMPILE) --no-deps --no-annotate --output-file $(MUTMUT) -

release: setup
	@.venv/bin/python -m packages.release_build $(RELEASE)

deb: setup
	@.venv/bin/python -m packages.deb $(DEB)

repository: setup
	@.venv/bin/python -m packages.repository $(if $(KEY),--key "$(KEY)") $(if $(DIST),--packages "$(DIST)") $(if $(REPOSITORY),--folder "$(REPOSITORY)") $(if $(URL),--url "$(URL)")

packages: setup
	@.venv/bin/python -m lab.fetch
	@.venv/bin/python -m pytest -n 2 --dist loadfile --timeout 1800 $(PYTEST) tests/packages

pex: setup
	@.venv/bin/python -m packages.pex $(PEX)
