# make run: serve the bundled model.   make test: all tests.   README.md explains the rest.
CONFIGURATION ?= Release
PREFIX ?= artifacts/bin
SHARED ?= ../shared/data
RUNS ?= artifacts/runs
BUF = npx --yes @bufbuild/buf@1.75.0

SERVER = src/RecoServe.Server
PUBLISH_SERVER = dotnet publish -c $(CONFIGURATION) $(SERVER) --use-current-runtime --self-contained false --nologo -v quiet -o
SERVER_PROGRAM = artifacts/bin/RecoServe.Server/$(shell echo $(CONFIGURATION) | tr A-Z a-z)/recoserve
ENGINE_TESTS = artifacts/bin/RecoServe.Engine.Tests/$(shell echo $(CONFIGURATION) | tr A-Z a-z)/RecoServe.Engine.Tests
TRAINER = dotnet run -c $(CONFIGURATION) --project src/RecoServe.Trainer --

.PHONY: run demo test test-instruction-sets install evaluate-baselines train-ml1m train-video-to-video bench bench-sampler load fmt fmt-check lint build ci clean

.PHONY: help
help: ## This list.
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' Makefile | sort

run: ## Serves models/ : gRPC on 5000, HTTP on 5001.
	dotnet run -c $(CONFIGURATION) --project $(SERVER) -- --models $(CURDIR)/models

demo: ## Recommends for a simulated user, with a server of its own.
	dotnet build -c $(CONFIGURATION) $(SERVER) --nologo -v quiet
	dotnet run -c $(CONFIGURATION) --project src/RecoServe.Demo -- --users models/video-to-video/demo_users.json \
	  --server $(SERVER_PROGRAM) --models models

test: ## All tests; those that need ../shared/data skip where it is absent.
	dotnet test --solution RecoServe.sln -c $(CONFIGURATION)

# The sampler's bits must not depend on the machine: without AVX-512, and without any vectors (slow: what pins bits).
SAMPLING = RecoServe.Engine.Tests.Sampling
test-instruction-sets: ## The sampler's tests with narrower vectors and with none.
	dotnet build -c $(CONFIGURATION) tests/RecoServe.Engine.Tests --nologo -v quiet
	DOTNET_EnableAVX512=0 $(ENGINE_TESTS) -namespace $(SAMPLING)
	DOTNET_EnableHWIntrinsic=0 $(ENGINE_TESTS) -class $(SAMPLING).DeterminismTests -class $(SAMPLING).RowPassesTests -class $(SAMPLING).CompactionTests \
	  -class $(SAMPLING).ExponentialTests -class $(SAMPLING).NucleusEdgeTests

.PHONY: soak
soak: ## Random callers, cancellations and deadlines against runners that fail and stall, for SECONDS=300: what became of the requests.
	dotnet build -c $(CONFIGURATION) tests/RecoServe.Engine.Tests --nologo -v quiet
	RECOSERVE_SOAK_SECONDS=$(or $(SECONDS),300) $(ENGINE_TESTS) -showLiveOutput -class RecoServe.Engine.Tests.Batching.BatcherSoakTests

.PHONY: soak-swaps
soak-swaps: ## SWAPS=1000 swaps, and as many loads that fail: memory flat, the last as fast as the first, and planted leaks seen by the same gate.
	dotnet build -c $(CONFIGURATION) tests/RecoServe.Memory.Tests --nologo -v quiet
	RECOSERVE_SOAK_SWAPS=$(or $(SWAPS),1000) $(subst Engine,Memory,$(ENGINE_TESTS)) -showLiveOutput -class RecoServe.Memory.Tests.SwapLeakTests

.PHONY: fuzz-sampler
fuzz-sampler: ## Any rows against the sampler's contract, for SECONDS=60: how many passed, or the smallest that failed and its seed.
	dotnet build -c $(CONFIGURATION) tests/RecoServe.Engine.Tests --nologo -v quiet
	RECOSERVE_FUZZ_SECONDS=$(or $(SECONDS),60) $(ENGINE_TESTS) -showLiveOutput \
	  -class $(SAMPLING).LongRowPropertyTests -class $(SAMPLING).WindowPropertyTests

.PHONY: counterfactual
counterfactual: ## What the objectives lead to, against the closed forms: fixed points, 20 simulated logs (four minutes), the propensity head, the reward of premium; off-policy estimators against the expected digits.
	dotnet build -c $(CONFIGURATION) tests/RecoServe.Trainer.Tests --nologo -v quiet
	RECOSERVE_LARGE_PROOF=1 $(subst Engine,Trainer,$(ENGINE_TESTS)) -showLiveOutput $(foreach class,FixedPointTests ContextualProofTests PropensityHeadTests PremiumRewardTests,\
	  -class RecoServe.Trainer.Tests.Objectives.$(class)) -class RecoServe.Trainer.Tests.Evaluation.OffPolicy.OffPolicyAnchorTests

install: ## Publishes recoserve and recotrain into PREFIX.
	$(PUBLISH_SERVER) $(PREFIX)/lib/recoserve
	dotnet publish -c $(CONFIGURATION) src/RecoServe.Trainer -o $(PREFIX)/lib/recotrain --nologo -v quiet
	ln -sf lib/recoserve/recoserve lib/recotrain/recotrain $(PREFIX)

# Titles and genres by the item ids of ml-1m.txt, as CSV.
artifacts/ml-1m/items.csv: $(SHARED)/ml-1m/movies.dat $(SHARED)/ml-1m/item_map.txt
	mkdir -p $(@D)
	{ echo item_id,title,category; iconv -f latin1 -t utf8 $(SHARED)/ml-1m/movies.dat | awk \
	  'NR == FNR { id[$$2] = $$1; next } split($$0, m, "::") && m[1] in id { gsub(/"/, "\"\"", m[2]); print id[m[1]] ",\"" m[2] "\"," m[3] }' \
	  $(SHARED)/ml-1m/item_map.txt -; } > $@.part
	mv $@.part $@

# Coat as displays: every rating is one, and a 4 or 5 a watch, with the attributes of coats and people. A matrix has no times: each user's ratings get an order of their own.
COAT = $(SHARED)/coat/user_item_features
COAT_ATTRIBUTES = awk 'NR == FNR { sub(/.*:/, ""); value[FNR] = $$0; next } { line = FNR; for (i = 1; i <= NF; i++) if ($$i) line = line "," value[i]; print line }'
artifacts/coat/items.csv: $(COAT)/item_features_map.txt $(COAT)/item_features.ascii
	mkdir -p $(@D)
	{ echo item_id,gender,category,color,front_page; $(COAT_ATTRIBUTES) $^; } > $@.part
	mv $@.part $@

artifacts/coat/train.csv artifacts/coat/test.csv: artifacts/coat/%.csv: $(SHARED)/coat/%.ascii $(COAT)/user_features_map.txt $(COAT)/user_features.ascii
	mkdir -p $(@D)
	{ echo user_id,gender,age,location,interest,item_id,timestamp,rating,watched; $(COAT_ATTRIBUTES) $(COAT)/user_features_map.txt $(COAT)/user_features.ascii | awk \
	  'NR == FNR { user[FNR] = $$0; next } { sub(/\r/, ""); for (i = 1; i <= NF; i++) if ($$i) print user[FNR] "," i "," FNR * i % 307 "," $$i "," ($$i >= 4) }' - $<; } > $@.part
	mv $@.part $@

# The real logs with the options that docs/training.md explains.
LOG_ml-1m = --data $(SHARED)/ml-1m/ml-1m.txt --items artifacts/ml-1m/items.csv
LOG_beauty = --data $(SHARED)/amazon/Beauty.txt --items $(SHARED)/amazon/Beauty_item2attributes.json
LOG_toys = --data $(SHARED)/amazon/Toys_and_Games.txt --items $(SHARED)/amazon/Toys_and_Games_item2attributes.json
LOG_kuairand = --data $(SHARED)/kuairand-pure/exposures_04*.parquet $(SHARED)/kuairand-pure/exposures_05*.parquet \
  --items $(SHARED)/kuairand-pure/video_features_basic_pure.csv --column item_id=video_id timestamp=time_ms channel=author_id category=tag \
  --separator category=, --context tab --where "long_view = 1" --split time --validate-from 2022-04-29 --test-from 2022-05-01
LOG_trivago = --data $(SHARED)/trivago/val_100k.parquet --column user_id=session_id item_id=reference --where "action_type = 'clickout item'" \
  --context device,platform --split time --keep-seen
LOG_coat = --data $(SHARED)/coat/train.ascii --test-data $(SHARED)/coat/test.ascii --where "rating >= 4" --split given
LOG_coat-displays = --data artifacts/coat/train.csv --test-data artifacts/coat/test.csv --where "rating >= 4" --split given \
  --items artifacts/coat/items.csv --context gender,age,location,interest --impressions artifacts/coat/train.csv
LOG_kuairand-displays = $(LOG_kuairand) --impressions $(SHARED)/kuairand-pure/exposures_04*.parquet $(SHARED)/kuairand-pure/exposures_05*.parquet \
  --column watched=long_view
LOG_trivago-displays = $(LOG_trivago) --impressions $(SHARED)/trivago/val_100k.parquet --column slate_items=impressions

# What has to be made first.
MADE_ml-1m = artifacts/ml-1m/items.csv
MADE_coat-displays = artifacts/coat/train.csv artifacts/coat/test.csv artifacts/coat/items.csv

.PHONY: train-log
train-log: $(MADE_$(LOG)) ## Trains on a real log as perf/training/beauty.yaml says (LOG=beauty); ARGS="--seed 2" adds to it or wins over it, OUT=DIR is the run's folder.
	$(TRAINER) fit $(or $(LOG_$(LOG)),$(error LOG must be one of $(patsubst perf/training/%.yaml,%,$(wildcard perf/training/*.yaml)))) \
	  --config perf/training/$(LOG).yaml --out $(or $(OUT),$(RUNS)/logs/$(LOG)) $(ARGS)

evaluate-baselines: artifacts/ml-1m/items.csv ## POP, MARKOV1 and COOC10 on every real log, or on LOGS="ml-1m coat".
	dotnet build -c $(CONFIGURATION) src/RecoServe.Trainer --nologo -v quiet
	$(foreach log,$(or $(LOGS),ml-1m beauty toys kuairand trivago coat),$(foreach baseline,pop markov1 cooc10,\
	  dotnet run --no-build -c $(CONFIGURATION) --project src/RecoServe.Trainer -- evaluate $(LOG_$(log)) --baseline $(baseline) --part test;))

train-ml1m: artifacts/ml-1m/items.csv ## GRU on MovieLens-1M: test HR@10 >= .29 within 40 minutes; EPOCHS=2 for a short run.
	rm -rf $(RUNS)/ml-1m
	$(TRAINER) fit --data $(SHARED)/ml-1m/ml-1m.txt --items $< --out $(RUNS)/ml-1m --average 0.99 --exclude-watched true --minutes 35 $(if $(EPOCHS),--epochs $(EPOCHS))
	$(TRAINER) export --run $(RUNS)/ml-1m --repository artifacts/models --name ml-1m

train-video-to-video: ## Simulates a log, trains the bundled model on it, and writes it over models/video-to-video/1.
	rm -rf $(RUNS)/video-to-video models/video-to-video/1
	$(TRAINER) simulate --out $(RUNS)/simulation --force
	$(TRAINER) fit --data $(RUNS)/simulation/watches.parquet --items $(RUNS)/simulation/items.parquet \
	  --context device --context country --item-feature category --item-feature channel --item-feature language --item-feature series --max-history 50 --dimension 128 \
	  --dropout 0.4 --exclude-watched true --learning-rate 4e-3 --warmup-steps 50 --decay cosine --epochs 20 --patience 90 --evaluate-every 2 --threads 1 --out $(RUNS)/video-to-video
	$(TRAINER) export --run $(RUNS)/video-to-video --repository models --name video-to-video --version 1
	cp $(RUNS)/simulation/demo_users.json models/video-to-video/

bench: ## Benchmarks in short, each beside its baseline: tables and JSON in artifacts/bench; FILTER='*Runner*' for some of them.
	dotnet run -c $(CONFIGURATION) --project perf/RecoServe.Benchmarks -- --filter '$(or $(FILTER),*)'

bench-sampler: ## The sampler in full, with its goals (6 minutes): tables, sampler.json and sampler.svg in artifacts/bench.
	dotnet run -c $(CONFIGURATION) --project perf/RecoServe.Benchmarks -- sampler

load: ## The serving goals on real server processes, open loop (15 minutes): serving.json and serving.svg in artifacts/bench; SCENARIO=swap for one, OUT=FILE.md, ARGS=--help.
	$(PUBLISH_SERVER) artifacts/bin/lib/recoserve
	dotnet run -c $(CONFIGURATION) --project perf/RecoServe.LoadTest -- --server artifacts/bin/lib/recoserve/recoserve --models models $(if $(SCENARIO),--scenario $(SCENARIO)) $(if $(OUT),--out $(OUT)) $(ARGS)

.PHONY: nbomber
nbomber: ## The scenarios of load for NBomber (perf/RecoServe.NBomber/README.md: needs its package, and a licence for organisations): SCENARIO=steady RATE=1000.
	dotnet build -c $(CONFIGURATION) $(SERVER) --nologo -v quiet
	dotnet run -c $(CONFIGURATION) --project perf/RecoServe.NBomber -- --server $(SERVER_PROGRAM) --models models --scenario $(or $(SCENARIO),steady) --rate $(or $(RATE),1000)

fmt: ## Formats the code.
	dotnet format RecoServe.sln

fmt-check:
	dotnet format RecoServe.sln --verify-no-changes

lint:
	cd protos && $(BUF) lint && $(BUF) build

build:
	dotnet build RecoServe.sln -c $(CONFIGURATION)

ci: lint build fmt-check test-instruction-sets ## What every change must pass.
	EPOCHS=2 .ci/readme README.md

clean:
	rm -rf artifacts
