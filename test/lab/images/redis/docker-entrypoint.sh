#!/bin/sh
set -e
case "${1:-}" in -* | *.conf) set -- redis-server "$@" ;; esac
if [ "${1:-}" = redis-server ]; then
  # The public image answers other containers without a password unless the configuration speaks of it.
  if ! printf '%s\n' "$@" | grep -q '^--protected-mode$' &&
    ! { [ -f "${2:-}" ] && grep -q '^[[:space:]]*protected-mode' "$2"; }; then
    set -- "$@" --protected-mode no
  fi
  if [ "$(id -u)" = 0 ]; then
    find . \! -user redis -exec chown redis {} +
    exec setpriv --reuid=redis --regid=redis --init-groups -- "$@"
  fi
fi
exec "$@"
