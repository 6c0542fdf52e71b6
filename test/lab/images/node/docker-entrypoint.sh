#!/bin/sh
# `docker run IMAGE app.js` and `docker run IMAGE --flag` mean node; anything else is a program of its own.
set -e
if [ "${1#-}" != "$1" ] || ! command -v "$1" >/dev/null 2>&1 || { [ -f "$1" ] && ! [ -x "$1" ]; }; then
  set -- node "$@"
fi
exec "$@"
