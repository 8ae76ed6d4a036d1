#!/usr/bin/env bash
# The Littlest JupyterHub with the workshop, on a fresh server with Ubuntu or Debian. As root:
#     REPOSITORY=https://... ADMIN=your-name bash tljh.sh
# Once more brings the workshop up to date. TORCH=cuda takes PyTorch's build with CUDA,
# LABKIT_LANGUAGE=es (pt_BR, fr, de) gives JupyterLab's menus and the link for a class in Spanish,
# LABKIT_CLASS_NAMES=1 shows names on the page of the class.
set -euo pipefail
: "${REPOSITORY:?the address of the workshop, to git clone}" "${ADMIN:?the name you will log in with}"
shared=${LABKIT_SHARED:-/srv/labkit} tljh=${TLJH:-/opt/tljh}
index=https://download.pytorch.org/whl/cpu
workshop=$shared/workshop language=${LABKIT_LANGUAGE:-en}

if [ ! -x "$tljh/user/bin/python" ]; then
    curl -fsSL https://tljh.jupyter.org/bootstrap.py | python3 - --admin "$ADMIN"
fi
if [ -d "$workshop" ]; then git -C "$workshop" pull --ff-only; else git clone "$REPOSITORY" "$workshop"; fi

cd "$workshop"
if [ "${TORCH:-cpu}" = cpu ]; then
    "$tljh/user/bin/pip" install --constraint constraints.txt --no-deps --index-url $index torch torchvision
fi
"$tljh/user/bin/pip" install --constraint constraints.txt --editable . nbgitpuller

"$tljh/user/bin/python" -m labkit.languages "$language"
# Without a network for the images, the class learns from the drawn ones; so all see the same.
"$tljh/user/bin/python" -m labkit.data.fill_cache "$shared/images" || true
"$tljh/user/bin/python" -m labkit.jupyter.class_page "$shared/class"
# The hub makes a user when they first log in; the page of the class is ready before.
if [ -x "$tljh/hub/bin/jupyterhub" ]; then
    id "jupyter-$ADMIN" >/dev/null 2>&1 || useradd --create-home --key UMASK=0027 "jupyter-$ADMIN"
    chown "jupyter-$ADMIN:jupyter-$ADMIN" "$shared/class"
fi
chmod 3733 "$shared/class"

mkdir -p "$tljh/config/jupyterhub_config.d"
{ echo "import os; os.environ.update(LABKIT_WORKSHOP='$workshop', LABKIT_SHARED='$shared',
    LABKIT_CLASS_NAMES='${LABKIT_CLASS_NAMES:-0}')"
  cat labkit/jupyter/hub/jupyterhub_config.py; } > "$tljh/config/jupyterhub_config.d/labkit.py"
if command -v tljh-config >/dev/null; then
    tljh-config set user_environment.default_app jupyterlab
    tljh-config set limits.memory 2G
    tljh-config set services.cull.timeout 3600
    tljh-config reload
fi
echo "Ready. Learners open this link, with the address of your hub:"
echo "  https://HUB/hub/user-redirect/git-pull?repo=$REPOSITORY&urlpath=labkit%2F$language%2F$(basename "$REPOSITORY" .git)%2Fnotebooks%2F00_setup.ipynb"
