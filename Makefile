# Two commands do everything on a fresh machine: `make lab` opens the workshop, `make test` proves it.
# Paths are relative throughout, so that a folder may have spaces and any letters in its name.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null && echo "$$p" && break; done)
RUN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)/python
# The versions with which `make test` last passed; `make newest` lifts them. CONSTRAINTS= takes any.
CONSTRAINTS ?= constraints.txt
# Which build of PyTorch: auto takes the small one without CUDA where there is no NVIDIA driver.
TORCH ?= auto
# make lab LANGUAGE=es; where it comes from the environment, it is about something else.
EDITION := $(if $(filter command,$(firstword $(origin LANGUAGE))),$(LANGUAGE),en)
THREADS := OMP_NUM_THREADS=1
# A folder that was moved or renamed since it was set up still finds its own package.
export PYTHONPATH := $(CURDIR)$(if $(PYTHONPATH),:$(PYTHONPATH))
# Types as the newest torch declares them; older ones declare less: TYPES=true leaves it out.
TYPES ?= $(RUN) -m ty check
PAIRED := --numprocesses=2 --dist=loadfile --no-loadscope-reorder --max-worker-restart=0

# A browser test that fails is tried once more, in a fresh kernel: a fault fails twice. What passes
# only then hides a race, so the last line says that there was one.
AGAIN = $(THREADS) $(RUN) -m pytest --last-failed --last-failed-no-failures=none tests/browser && \
	echo "UNSTEADY: the browser tests named just above passed only at their second try. Mend the race."

.PHONY: help lab test test-as-windows test-languages matrix html check-site images minutes languages links newest bench bench-widgets clean always
.DEFAULT_GOAL := help

help:
	@echo "make lab            set up, then open the workshop in JupyterLab"
	@echo "make lab LANGUAGE=es    ... in Spanish; also pt_BR, fr, de"
	@echo "make test           set up, then run every check: style, types, unit tests, notebooks, browser"
	@echo "make test-languages run every notebook in all five languages"
	@echo "make matrix         make test with each Python at hand, and with the oldest versions allowed"
	@echo "make html           run every notebook into build/html: a site to read without Python"
	@echo "make check-site     walk that site in a browser: links, images, axe-core, light and dark"
	@echo "make edition        copy the workshop without its solutions into build/edition"
	@echo "make images         draw the pictures in images/ again"
	@echo "make minutes        count how long each notebook takes, and print it where it is promised"
	@echo "make languages      bring the translations up to date, and say what is left to do"
	@echo "make links          ask every address that a learner may click"
	@echo "make newest         set up with the newest versions, test, and keep them in constraints.txt"
	@echo "make bench          measure the loader and the fast recipe on the data LABKIT_DATA names"
	@echo "make bench-widgets  measure from a slider's key to the painted picture"
	@echo "make clean          remove the environment in .venv"

lab: .venv/ready-lab
	@$(RUN) -m labkit.jupyter.lab $(EDITION) $(LAB_OPTIONS)

test: .venv/ready-test
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(TYPES)
	$(THREADS) $(RUN) -m pytest $(PAIRED) --ignore=tests/browser
	$(THREADS) $(RUN) -m pytest $(PAIRED) tests/browser || { test $$? = 1 && $(AGAIN); }

# Every notebook in every language; `make test` runs them in English and in German.
test-languages: .venv/ready-test
	LABKIT_ALL_LANGUAGES=1 $(THREADS) $(RUN) -m pytest --numprocesses=2 --dist=worksteal \
		--max-worker-restart=0 tests/test_sections.py

# Notebooks too: everything but the browser, without fork, forkserver and alarms.
test-as-windows: .venv/ready-test
	PYTHONPATH="$(CURDIR)/tests/as_windows:$$PYTHONPATH" \
		$(THREADS) $(RUN) -m pytest $(PAIRED) --ignore=tests/browser

# `make test` with every Python at hand and the newest versions, and with the oldest versions that
# pyproject.toml allows, each in a clone of the last commit: about 6 GB and 12 minutes each.
matrix:
	rm -rf build/matrix && mkdir -p build/matrix
	@for version in 3.11 3.12 3.13 3.14 oldest; do \
		python=python$${version#oldest}; test $$version != oldest || python=python3.11; \
		$$python -c "" 2>/dev/null || { echo "$$version: $$python is not here"; continue; }; \
		git clone --quiet . build/matrix/$$version; list=; types=; \
		test $$version != oldest || { list=oldest.txt; types=TYPES=true; uv pip compile --quiet --extra test \
			--resolution lowest-direct --python $$python pyproject.toml > build/matrix/oldest/oldest.txt; }; \
		$(MAKE) -C build/matrix/$$version test PYTHON=$$python CONSTRAINTS=$$list $$types \
			> build/matrix/$$version.log 2>&1 && echo "$$version: passed" || \
			echo "$$version: FAILED, see build/matrix/$$version.log"; \
	done

# Each notebook is run once, and again when a cell or labkit changes; build/html/index.html leads on.
html: .venv/ready-test
	$(THREADS) $(RUN) -m tests.site

check-site: .venv/ready-test
	$(RUN) -m tests.site.check

images: .venv/ready-lab
	$(RUN) images/draw

edition: .venv/ready-lab
	rm -rf build/edition
	$(RUN) -m tests.edition build/edition

minutes: .venv/ready-lab
	$(RUN) -m tests.minutes --write
	$(RUN) -m tests.teaching

languages: .venv/ready-lab
	$(RUN) -m tests.languages

links: .venv/ready-lab
	$(RUN) -m tests.links

newest: clean
	$(MAKE) test CONSTRAINTS=
	$(RUN) -m pip list --format=freeze --exclude-editable | sed 's/+[a-z0-9.]*$$//' | \
		grep -vE '^(pip|setuptools|triton|nvidia-|cuda-)' > constraints.txt

bench: .venv/ready-lab
	$(RUN) -m tests.benchmarks

bench-widgets: .venv/ready-test
	$(RUN) -m tests.benchmarks.widgets

clean:
	rm -rf .venv

# What a cell printed, and what Jupyter notes of the Python that ran it, stays out of git.
LANGUAGE_INFO = codemirror_mode file_extension mimetype nbconvert_exporter pygments_lexer version
FILTER = test "$$(git rev-parse --show-toplevel 2>/dev/null)" != "$(CURDIR)" || { git config \
	filter.nbstripout.clean 'test -x $(RUN) && exec $(RUN) -m nbstripout --keep-id || cat'; git config \
	filter.nbstripout.extrakeys '$(LANGUAGE_INFO:%=metadata.language_info.%)'; }

# Asked each time, and does nothing where the environment has all that pyproject.toml lists.
.venv/ready-lab: FOR =
.venv/ready-test: FOR = --test
.venv/ready-%: always
	@test -n "$(PYTHON)" || { echo "This workshop needs Python 3.11 to 3.14, and none was found:" \
		"install one, then run make again, with PYTHON=/path/to/python3 if it has an unusual name."; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "This workshop needs" \
		"Python 3.11 to 3.14, and $(PYTHON) is older or does not start: name another, make PYTHON=..."; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo "This Python lacks the venv module:" \
		"install it (Debian and Ubuntu: sudo apt install python3-venv), then run make again."; exit 1; }
	@"$(PYTHON)" labkit/jupyter/install.py $(FOR) --torch "$(TORCH)" --constraints "$(CONSTRAINTS)" \
		$(if $(filter command,$(firstword $(origin PYTHON))),--this-python)
	@$(FILTER)
