# Every target works on a machine that has Python >= 3.10, pip and make; the rest is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin
PEERS ?= .venv-peers
DRAWS ?= 10
ROUNDS ?= 20
TESTS ?= tests
CASES ?= 10000

# One thread for each process of the tests, of which there are three on two cores: a seventh of their time is waiting for
# others. Sets of strings have the same order in each run of make test.
FRESH := OMP_NUM_THREADS=1 PYTHONPATH=$(CURDIR)/tests/helpers
# Compiled files are kept, even where the environment says otherwise: the next run has its tests already rewritten.
SAME := OMP_NUM_THREADS=1 PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=

.PHONY: help demo test packages pages fuzz docs format bench-memory bench-peers bench-floor bench-spade bench-methods bench-plugins bench-complexity bench-synthetic bench-clock bench-tiles bench-lite0 bench-false-alarms bench-suspicious bench-drift bench-depth bench-serve bench-inspector bench-export bench-export-peers bench-load bench-coverage bench-sharing bench-epochs bench-thousand clean

help:
	@echo "make demo              fit, predict, compare five methods and report, on synthetic images; all that it needs comes with pip"
	@echo "make test              lint, types, tests"
	@echo "make packages          padimkit and its plugins as packages in dist/, checked as an index would"
	@echo "make pages             the lists of contracts, checks and plugins in the docs, written anew from the code"
	@echo "make fuzz              each test that draws, with 200 fresh seeds, thorough tests, and 10,000 hostile inputs (3 hours); ROUNDS=1 TESTS=tests/metrics is quicker, ROUNDS=0 has hostile inputs alone"
	@echo "make docs              the documentation as a site, which opens from the disk: site/index.html"
	@echo "make format            format the code"
	@echo "make bench-memory      memory of a fit against the number of training images"
	@echo "make bench-peers       speed, memory and quality beside anomalib (40 minutes, 20 GB of memory)"
	@echo "make bench-floor       stages beside what the machine can do at best"
	@echo "make bench-spade       SPADE's search beside a flat index and a loop (5 minutes)"
	@echo "make bench-methods     all methods on real images, where these are (1 hour)"
	@echo "make bench-plugins     how long fifty plugins take to list"
	@echo "make bench-complexity  how time and memory grow, over drawn embeddings (10 minutes) and on real images, where these are (1 hour)"
	@echo "make bench-synthetic   methods on synthetic images beside real ones, where these are (30 minutes)"
	@echo "make bench-tiles       what tiles and own aspect ratios gain over squeezing, where real weights are (20 minutes)"
	@echo "make bench-lite0       the search for layers of EfficientNet-Lite0, and its recipes, on real images (2 hours)"
	@echo "make bench-clock       what measuring the stages costs"
	@echo "make bench-false-alarms  false alarms found beside those promised, on real images, where these are (half an hour)"
	@echo "make bench-suspicious  bad parts among the training images: found, and what that gains (4 minutes)"
	@echo "make bench-drift  changes of camera and light told from defects, on real images, where these are (10 minutes)"
	@echo "make bench-depth  cameras of 10 and 12 bits beside 8, on real images, where these are (5 minutes)"
	@echo "make bench-serve  a server under load from 16 clients, killed and stopped in the middle (3 minutes)"
	@echo "make bench-inspector  memory over 10,000 calls of an inspector, and the latency of a call (3 minutes)"
	@echo "make bench-export-peers  PaDiM exported to OpenVINO by padimkit and by anomalib, on real bottles, where these are (5 minutes)"
	@echo "make bench-export  models in ONNX Runtime and OpenVINO beside padimkit, on real bottles, where these are (30 minutes)"
	@echo "make bench-load  3,000 images, 5,000 records, 500 cells, threads and processes: memory, handles, results (20 minutes)"
	@echo "make bench-coverage  how often intervals of a report hold the truth, and equal methods differ (6 minutes)"
	@echo "make bench-sharing  fourteen variants of one backbone with and without shared features, on real images, where these are (5 minutes)"
	@echo "make bench-epochs  ten epochs of a density, with and without cached embeddings (1 minute)"
	@echo "make bench-thousand  a thousand tiny cells: what the harness itself takes, and their page (10 minutes)"
	@echo "make clean             remove .venv, site/ and what the demo wrote"

demo: .venv/installed-patchcore
	$(BIN)/padimkit demo --output demo

# Tests are compiled while types are checked, and not by three processes at once later.
test: .venv/installed-plugins packages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(SAME) $(BIN)/python -m pytest --collect-only -qq > /dev/null & \
	if $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then $(BIN)/mypy; \
	  else echo 'Types are not checked on Python 3.10, which has no numpy 2.3 and so other stubs.'; fi; \
	  status=$$?; wait; exit $$status
	$(SAME) $(BIN)/python -m pytest --numprocesses 3 --dist worksteal --durations 30
	for plugin in plugins/padimkit-*/; do \
	  (cd $$plugin && $(SAME) $(CURDIR)/$(BIN)/python -m pytest --quiet) || exit 1; done

packages: .venv/installed-dev
	rm -rf dist
	for project in . plugins/padimkit-*/; do \
	  $(BIN)/python -m build --quiet --no-isolation --outdir dist $$project || exit 1; done
	$(BIN)/twine check --strict dist/*

pages: .venv/installed-plugins
	$(BIN)/python docs/hooks/contracts.py
	$(BIN)/python docs/hooks/values.py
	$(BIN)/python docs/hooks/gallery.py

# A failure is named with its seed and the command that repeats it. In rounds, since each draw is a test in memory.
fuzz: .venv/installed-plugins
	status=0; [ "$(TESTS)" != tests ] || $(SAME) $(BIN)/python -m pytest -m thorough --quiet || status=1; \
	for round in $$(seq $(ROUNDS)); do \
	  $(FRESH) $(BIN)/python -m pytest -p fuzz --draws $(DRAWS) --numprocesses 2 --quiet $(ARGS) $(TESTS) || status=1; \
	  [ "$(TESTS)" != tests ] || for plugin in plugins/padimkit-*/; do \
	    (cd $$plugin && $(FRESH) $(CURDIR)/$(BIN)/python -m pytest -p fuzz --draws $(DRAWS) --quiet $(ARGS)) || status=1; \
	  done; \
	done; \
	[ "$(TESTS)" != tests ] || $(FRESH) $(BIN)/python tests/helpers/hostile.py --cases $(CASES) \
	  --seed $${SEED:-$$(date +%s)} || status=1; \
	exit $$status

docs: .venv/installed-docs
	$(BIN)/mkdocs build --strict

format: .venv/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench-memory: .venv/installed
	$(BIN)/python benchmarks/memory.py

# ARGS="--rounds 1 --only job" is quicker; PEERS names an environment that has anomalib already.
bench-peers: .venv/installed $(filter .venv-peers/installed,$(PEERS)/installed)
	$(BIN)/python -m benchmarks.peers.run --peer $(PEERS)/bin/python $(ARGS)

bench-floor: .venv/installed
	$(BIN)/python -m benchmarks.floor $(ARGS)

bench-spade: .venv/installed
	$(BIN)/python -m benchmarks.spade $(ARGS)

bench-methods: .venv/installed-plugins
	$(BIN)/padimkit benchmark benchmarks/suites/methods.yaml
	$(BIN)/python -m benchmarks.methods records/methods

bench-plugins: .venv/installed
	$(BIN)/python -m benchmarks.plugins

bench-complexity: .venv/installed-plugins
	$(BIN)/padimkit benchmark benchmarks/suites/complexity-alone.yaml
	$(BIN)/python -m benchmarks.complexity records/complexity-alone
	$(BIN)/padimkit benchmark benchmarks/suites/complexity.yaml
	$(BIN)/padimkit report records/complexity --format markdown

REAL := ../shared/data/magnetic_tile/tile ../shared/data/mvtec_bottle_256/bottle ../shared/data/mvtec_transistor_256/transistor

bench-synthetic: .venv/installed-plugins
	$(BIN)/python -m benchmarks.synthetic --draw padimkit-synthetic/bench --record records/synthetic.json $(wildcard $(REAL))

bench-clock: .venv/installed
	$(BIN)/python -m benchmarks.clock

bench-tiles: .venv/installed
	$(BIN)/python -m benchmarks.tiles ../shared/weights/resnet18_stem_to_layer3.safetensors

bench-lite0: .venv/installed-plugins
	$(BIN)/python -m benchmarks.lite0 ../shared
	$(BIN)/padimkit benchmark benchmarks/suites/lite0.yaml
	$(BIN)/padimkit benchmark benchmarks/suites/lite0-costs.yaml
	$(BIN)/python -m benchmarks.methods records/lite0
	$(BIN)/python -m benchmarks.methods records/lite0-costs

bench-false-alarms: .venv/installed
	$(BIN)/python -m benchmarks.false_alarms

bench-suspicious: .venv/installed
	$(BIN)/python -m benchmarks.suspicious $(ARGS)

bench-drift: .venv/installed
	$(BIN)/python -m benchmarks.drift $(ARGS)

bench-export: .venv/installed-plugins
	$(BIN)/python -m benchmarks.export $(ARGS)

# ARGS="--models FOLDER --rounds 30" keeps models there, so that a second run measures times alone.
bench-export-peers: .venv/installed-dev $(filter .venv-peers/installed,$(PEERS)/installed)
	$(BIN)/python -m benchmarks.peers.exported --peer $(PEERS)/bin/python $(ARGS)

bench-inspector: .venv/installed-dev
	$(BIN)/python -m benchmarks.inspector $(ARGS)

bench-depth: .venv/installed
	$(BIN)/python -m benchmarks.depth $(ARGS)

bench-coverage: .venv/installed-dev
	$(BIN)/python -m benchmarks.coverage $(ARGS)

bench-sharing: .venv/installed
	$(BIN)/python -m benchmarks.sharing $(ARGS)

bench-epochs: .venv/installed
	$(BIN)/python -m benchmarks.epochs $(ARGS)

bench-thousand: .venv/installed
	$(BIN)/padimkit benchmark benchmarks/suites/thousand.yaml --dry-run
	$(BIN)/padimkit benchmark benchmarks/suites/thousand.yaml
	$(BIN)/padimkit report records/thousand --output thousand.html

bench-serve: .venv/installed-dev
	$(BIN)/python -m benchmarks.serve $(ARGS)

# ARGS="--share 0.1 --only predict" is quicker.
bench-load: .venv/installed
	$(BIN)/python -m benchmarks.load $(ARGS)

clean:
	rm -rf .venv .venv-peers demo site dist

.venv/bin/python:
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 10), "padimkit needs Python >= 3.10"'
	$(PYTHON) -m venv .venv

# A CPU-only torch meets an ordinary torchvision where pip finds them in different places; then
# "import torchvision" fails. "===" asks for the build without a local label, which torchvision was made for.
.venv/installed: pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet --editable .
	$(BIN)/python -c 'import torchvision' 2>/dev/null || \
	  $(BIN)/pip install "torch===$$($(BIN)/python -c 'from importlib.metadata import version; print(version("torch").split("+")[0])')"
	$(BIN)/python -c 'import torchvision'
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

.venv/installed-patchcore: plugins/padimkit-patchcore/pyproject.toml | .venv/installed
	$(BIN)/pip install --quiet --editable ./plugins/padimkit-patchcore
	touch $@

.venv/installed-docs: .venv/installed
	$(BIN)/pip install --quiet --editable '.[docs]'
	touch $@

# As a stranger would install his own.
.venv/installed-plugins: $(wildcard plugins/padimkit-*/pyproject.toml) .venv/installed-dev
	$(BIN)/pip install --quiet $(patsubst %/pyproject.toml,--editable ./%,$(wildcard plugins/padimkit-*/pyproject.toml))
	touch $@

# The same torch and torchvision as ours, so that only the programs differ.
.venv-peers/installed: | .venv/installed
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install --quiet anomalib==2.7.0 safetensors \
	  $$($(BIN)/python -c 'from importlib.metadata import version as v; print(*(f"{p}==={v(p).split(chr(43))[0]}" for p in ("torch", "torchvision")))')
	touch $@
