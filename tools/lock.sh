#!/bin/sh
# Writes the newest versions of all requirements, indirect ones included, into the file $1.
# Run it with the oldest Python that is supported: what that one can install, newer ones can, too.
set -eu

lock=$1
environment=.venv-lock

rm -rf "$environment"
tools/environment.sh "$environment"
"$environment/bin/python" -m pip install -qq --upgrade pip  # --group needs pip 25.1
"$environment/bin/python" -m pip install -qq --editable . --group dev
{
    echo "# What the environment of development and continuous integration holds."
    echo "# Written by 'make lock PYTHON=python3.11' from pyproject.toml; not edited by hand."
    "$environment/bin/python" -m pip freeze --exclude-editable
} >"$lock.new"
mv "$lock.new" "$lock"
rm -rf "$environment"
