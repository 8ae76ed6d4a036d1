#!/usr/bin/env bash
# All that needs a GPU, in one run of under 10 minutes: bash tests/benchmarks/on_gpu.sh
#
# It needs a Python with torch, torchvision and matplotlib, this repository, and a folder of wheels
# for whatever else is missing; no network. A step that fails or takes too long does not stop the rest.
#   PYTHON   the Python (python3)              WHEELS   folder of wheels (.wheels)
#   DATA     a folder of images, or a zip of one with train/ and test/; without it, drawn images
#   OUT      where the results go (build/gpu): at most 8 files
#   DEVICE   gpu; cpu to try the script where there is none, with SHORT=1 for small limits
set -u
cd "$(dirname "$0")/../.."
PYTHON=${PYTHON:-python3} WHEELS=${WHEELS:-.wheels} OUT=${OUT:-build/gpu} DEVICE=${DEVICE:-gpu}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
exec > >(tee "$OUT/log.txt") 2>&1
limits=(120 180 150 100) seconds=(5 15 30) grid=150
if [ -n "${SHORT:-}" ]; then limits=(60 90 240 90) seconds=(2) grid=10; fi

step() { # step NAME LIMIT COMMAND...
  local name=$1 limit=$2 before=$SECONDS
  shift 2
  echo "== $name (at most $limit s)"
  timeout --kill-after=10 "$limit" "$@"
  echo "== $name: exit $?, $((SECONDS - before)) s"
}

if compgen -G "$WHEELS/*.whl" >/dev/null; then
  "$PYTHON" -m pip install --quiet --no-index --no-deps --no-compile --target "$work/site" "$WHEELS"/*.whl
fi
export PYTHONPATH="$PWD:$work/site" LABKIT_CACHE="$work/cache" LABKIT_CONFIG="$work/config"
export LABKIT_CHECKPOINTS="$work/checkpoints" LABKIT_PROGRESS="$work/progress.json" PYTHONUNBUFFERED=1
export JUPYTER_DATA_DIR="$work/jupyter" IPYTHONDIR="$work/ipython" LABKIT_DATA=drawn
case "${DATA:-}" in
  *.zip) "$PYTHON" -m zipfile -e "$DATA" "$work/images" && export LABKIT_DATA="$work/images" ;;
  ?*) export LABKIT_DATA="$DATA" ;;
esac
"$PYTHON" -m ipykernel install --prefix "$work/kernel" --name python3 >/dev/null 2>&1 || true
export JUPYTER_PATH="$work/kernel/share/jupyter"

{
  date
  uname -srm
  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv 2>/dev/null || echo "no nvidia-smi"
  "$PYTHON" -c 'import sys, torch; print(sys.version); print("torch", torch.__version__, "CUDA", torch.version.cuda)'
} | tee "$OUT/machine.txt"

step "tests marked gpu" "${limits[0]}" "$PYTHON" -m pytest -o addopts= -p no:cacheprovider \
  --strict-markers -m gpu -q -ra tests --ignore=tests/browser --junitxml="$OUT/tests.xml"
step "CPU against GPU" "${limits[1]}" "$PYTHON" tests/benchmarks/record_gpu.py \
  --device "$DEVICE" --limit "$grid" --out "$OUT"
step "notebook 7" "${limits[2]}" env LABKIT_DEVICE="$DEVICE" "$PYTHON" -m tests.benchmarks.run_notebook \
  notebooks/07_gpu.ipynb "$OUT/07_gpu.ipynb"
step "fast recipe" "${limits[3]}" "$PYTHON" -m tests.benchmarks.speed_gpu \
  --device "$DEVICE" --seconds "${seconds[@]}" --out "$OUT/speed.json"
ls -l "$OUT"
