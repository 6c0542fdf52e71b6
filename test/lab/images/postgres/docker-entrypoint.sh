#!/bin/bash
# Makes the database cluster at the first start, from the variables that the public image knows, and then runs the server
# as the user postgres.
set -euo pipefail

fail() {
  echo "Error: $*" >&2
  exit 1
}

# NAME_FILE names a file that holds the value of NAME.
from_file() {
  local name="$1" file="$1_FILE"
  [ -n "${!file:-}" ] || return 0
  [ -z "${!name:-}" ] || fail "both $name and $file are set (but are exclusive)"
  export "$name=$(<"${!file}")"
  unset "$file"
}

initialise() {
  [ -n "${POSTGRES_PASSWORD:-}" ] || [ "${POSTGRES_HOST_AUTH_METHOD:-}" = trust ] ||
    fail "Database is uninitialized and superuser password is not specified. Set POSTGRES_PASSWORD to a non-empty value."
  local user="${POSTGRES_USER:-postgres}" database="${POSTGRES_DB:-${POSTGRES_USER:-postgres}}"
  local method="${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" extra=()
  [ -z "${POSTGRES_INITDB_ARGS:-}" ] || read -ra extra <<<"$POSTGRES_INITDB_ARGS"
  initdb --username="$user" --pwfile=<(printf '%s\n' "${POSTGRES_PASSWORD:-}") "${extra[@]}"
  printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"

  # Only reachable through the Unix socket until it is complete, so that nobody takes it for ready.
  pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -p 5432" -w start
  local psql=(psql -v ON_ERROR_STOP=1 --no-psqlrc --username "$user" --no-password)
  if [ "$database" != postgres ]; then
    "${psql[@]}" --dbname postgres --set database="$database" <<<'CREATE DATABASE :"database";'
  fi
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    case "$file" in
      *.sh) if [ -x "$file" ]; then "$file"; else . "$file"; fi ;;
      *.sql) "${psql[@]}" --dbname "$database" -f "$file" ;;
      *.sql.gz) gunzip -c "$file" | "${psql[@]}" --dbname "$database" ;;
    esac
  done
  pg_ctl -D "$PGDATA" -m fast -w stop
  echo "PostgreSQL init process complete; ready for start up."
}

case "${1:-}" in -*) set -- postgres "$@" ;; esac
[ "${1:-}" = postgres ] || exec "$@"

if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA"
  chmod 0700 "$PGDATA"
  find "$PGDATA" /var/run/postgresql \! -user postgres -exec chown postgres {} +
  exec setpriv --reuid=postgres --regid=postgres --init-groups "$BASH_SOURCE" "$@"
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  for name in POSTGRES_PASSWORD POSTGRES_USER POSTGRES_DB POSTGRES_INITDB_ARGS; do from_file "$name"; done
  export PGPASSWORD="${POSTGRES_PASSWORD:-}"
  initialise
  unset PGPASSWORD
fi
exec "$@"
