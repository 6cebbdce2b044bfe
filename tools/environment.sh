#!/bin/sh
# Makes a virtual environment in the folder $1, unless one that works is there.
set -eu

environment=$1
python=${PYTHON:-python3}
bootstrap=.venv-bootstrap

if ! version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null); then
    echo "There is no '$python' that runs. Vestige needs Python 3.11 or newer." >&2
    echo "Install one, or name one: make PYTHON=python3.12" >&2
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "'$python' is Python $version. Vestige needs Python 3.11 or newer." >&2
    echo "Install one, or name one: make PYTHON=python3.12" >&2
    exit 1
fi
if "$environment/bin/python" -m pip --version >/dev/null 2>&1; then
    exit 0
fi

echo "Making an environment in $environment (once, and again when its requirements change)."
rm -rf "$environment"
if "$python" -m venv "$environment" >/dev/null 2>&1; then
    exit 0
fi

# Debian ships Python without what venv needs. Its pip, if there is one, can fetch virtualenv.
rm -rf "$environment"
if "$python" -m pip --version >/dev/null 2>&1; then
    "$python" -m pip install -qq --target "$bootstrap" virtualenv
    PYTHONPATH=$bootstrap "$python" -m virtualenv --quiet "$environment"
    rm -rf "$bootstrap"
    exit 0
fi

echo "'$python' can make no virtual environment: it has neither venv nor pip." >&2
echo "On Debian and Ubuntu: apt-get install python$version-venv" >&2
echo "Elsewhere: install pip and the module venv for Python $version, or name another Python:" >&2
echo "make PYTHON=python3.12" >&2
exit 1
