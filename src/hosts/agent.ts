/**
 * The remote command of a connection: a constant program for the host's POSIX `sh`. It says hello, then answers one request per line of its
 * standard input (the lines of an answer begin with its id, the last one is "id ."), and when that ends it ends the SSH session it belongs to, so that a killed deployer leaves no tunnel alive.
 *
 * Values come in as lines of data and are only used quoted. The text holds no single quote, since it is handed over inside of
 * them (`agentCommand`). `agent-client.ts` is its other half; the format of both changes together, with PROTOCOL.
 *
 * Times are hundredths of a second since boot (/proc/uptime): setting the clock changes nothing, and reading it starts no process. A session
 * is a pid with its start time and the boot it belongs to, so a number that was given again is not taken for it.
 *
 * A lease is the lock (flock) on `lease.lock`, held by this process. Beside it lie `owner` (one line of JSON), `session` (pid, start,
 * boot, time to live, fence) and `heartbeat`; `fence` only ever grows. The lock alone excludes; the files say who it is, and whom to end.
 */
export const PROTOCOL = "shiplock-agent 1";

/** How many leases one connection can hold: file descriptors 5 to 9, since a POSIX shell redirects single digits only. */
export const LEASE_SLOTS = [5, 6, 7, 8, 9] as const;

export const AGENT_PROGRAM = `
S=$PPID
KIND=$1
umask 077
say() { printf "%s\\n" "$*"; }

# Sets start, parent of process $1; false if it is gone. Fields count from behind the name, which may hold blanks.
look() {
  IFS= read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
  set -- \${stat##*) }
  case $1 in Z | X) return 1 ;; esac
  parent=$2
  start=\${20}
} 2>/dev/null
now() { IFS=" " read -r up rest </proc/uptime; clock=\${up%.*}\${up#*.}; }
alive() { [ "$3" = "$BOOT" ] && look "$1" && [ "$start" = "$2" ]; }

IFS= read -r BOOT </proc/sys/kernel/random/boot_id
look "$S" && S_START=$start

# However this shell ends, the session ends with it.
finish() { if [ "$KIND" = ssh ] && alive "$S" "$S_START" "$BOOT"; then kill "$S"; fi; }
trap finish EXIT
trap "exit 1" HUP INT TERM PIPE

engine_socket() {
  case \${DOCKER_HOST-} in
    unix://*) socket=\${DOCKER_HOST#unix://} ;;
    "") socket=/var/run/docker.sock
      if [ ! -S "$socket" ] && [ -S "\${XDG_RUNTIME_DIR:-/nonexistent}/docker.sock" ]; then socket=$XDG_RUNTIME_DIR/docker.sock; fi ;;
    *) socket=$DOCKER_HOST ;;
  esac
}
# missing, denied, silent (nobody listens) or listening
engine_state() {
  engine_socket
  state=silent
  if [ ! -S "$socket" ]; then
    state=missing
    [ -e "$socket" ] || { dir=\${socket%/*}; [ -d "$dir" ] && [ ! -x "$dir" ] && state=denied; }
  elif [ ! -w "$socket" ]; then
    state=denied
  else
    other=/run/\${socket#/var/run/}
    while IFS=" " read -r num refs proto flags type st inode path; do
      if [ "$flags" = 00010000 ] && { [ "$path" = "$socket" ] || [ "$path" = "$other" ]; }; then state=listening; fi
    done </proc/net/unix
  fi
}

command -v flock >/dev/null 2>&1 && FLOCK=yes || FLOCK=no
engine_socket
say "${PROTOCOL}"
say "uid $(id -u)"
say "gid $(id -g)"
say "home $HOME"
say "hostname $(uname -n)"
say "engine $socket"
say "flock $FLOCK"
say ready

# Sets owner, pid, began, boot, ttl, of, beaten, age, from the files in $dir; all empty if nobody is recorded.
recorded() {
  owner= pid= began= boot= ttl= of= beaten= age=0
  IFS= read -r owner <"$dir/owner"
  IFS=" " read -r pid began boot ttl of <"$dir/session"
  IFS=" " read -r beaten rest <"$dir/heartbeat"
  now
  if [ -n "$beaten" ]; then age=$((clock - beaten)); fi
  if [ -n "$boot" ] && [ "$boot" != "$BOOT" ]; then age=$((ttl + 1)); fi
} 2>/dev/null
read_fence() { fence=0; IFS= read -r fence <"$dir/fence"; fence=\${fence:-0}; } 2>/dev/null
expired() { [ -n "$ttl" ] && [ "$age" -gt "$ttl" ]; }

# Whether $1 is this session or one above it.
ours() {
  p=$$
  while [ "$p" -gt 1 ]; do
    [ "$p" = "$1" ] && return 0
    look "$p" || return 1
    p=$parent
  done
  return 1
}

# Ends process $1 (start $2, boot $3) with all below it, and waits until they are gone. Stopped first, so that it starts nothing more.
end_session() {
  alive "$1" "$2" "$3" || return 0
  kill -STOP "$1" 2>/dev/null || { alive "$1" "$2" "$3" || return 0; return 1; }
  tree=" $1 "
  grew=yes
  while [ $grew = yes ]; do
    grew=no
    for entry in /proc/[0-9]*; do
      look "\${entry#/proc/}" || continue
      case $tree in *" \${entry#/proc/} "*) continue ;; esac
      case $tree in *" $parent "*) tree="$tree\${entry#/proc/} "; grew=yes ;; esac
    done
  done
  kill -9 $tree 2>/dev/null
  rounds=0
  for p in $tree; do
    while look "$p" && [ "$rounds" -lt 250 ]; do
      kill -9 "$p" 2>/dev/null
      sleep 0.02
      rounds=$((rounds + 1))
    done
    look "$p" && return 1
  done
  return 0
}

held() { say "$id held $((age * 10)) $(expired && echo yes || echo no)"; say "$id owner $owner"; }
stuck() { say "$id stuck $1"; say "$id owner $owner"; }

grant() {
  taken=$owner
  read_fence
  fence=$((fence + 1))
  now
  say "$fence" >"$dir/fence.new" && sync "$dir/fence.new" && mv -f "$dir/fence.new" "$dir/fence" && sync "$dir" &&
    printf "%20d\\n" "$clock" >"$dir/heartbeat" &&
    say "$S $S_START $BOOT $want $fence" >"$dir/session.new" && say "$new_owner" >"$dir/owner.new" &&
    mv -f "$dir/owner.new" "$dir/owner" && mv -f "$dir/session.new" "$dir/session" || {
    eval "exec $slot>&-"
    say "$id failed the lease could not be written, is the disk full?"
    return
  }
  eval "DIR_$slot=\\$dir FENCE_$slot=\\$fence"
  say "$id granted $fence"
  say "$id owner $taken"
}

take_lease() {
  if [ $FLOCK = no ]; then say "$id no-flock"; return; fi
  problem=$(mkdir -p "$dir" 2>&1) || { say "$id failed $problem"; return; }
  true 2>/dev/null >>"$dir/lease.lock" || { say "$id failed $dir/lease.lock may not be written"; return; }
  eval "exec $slot>>\\"\\$dir/lease.lock\\""
  round=0
  wait=-n
  while [ $round -lt 6 ]; do
    if flock $wait "$slot"; then
      recorded
      if [ -n "$pid" ] && [ "$pid $began" != "$S $S_START" ] && ! ours "$pid" && ! end_session "$pid" "$began" "$boot"; then
        eval "exec $slot>&-"
        stuck "process $pid of the owner before could not be ended"
        return
      fi
      grant
      return
    fi
    recorded
    if [ -n "$pid" ]; then
      if ! expired || ours "$pid"; then
        eval "exec $slot>&-"
        held
        return
      fi
      if ! end_session "$pid" "$began" "$boot"; then
        eval "exec $slot>&-"
        stuck "process $pid of the owner could not be ended"
        return
      fi
    fi
    # Nobody recorded means that someone is just taking or releasing it; the one who was ended lets go in a moment.
    wait="-w 1"
    round=$((round + 1))
  done
  eval "exec $slot>&-"
  stuck "the lock $dir/lease.lock is held by a process that is not the recorded owner"
}

inspect_lease() {
  recorded
  read_fence
  if [ -e "$dir/lease.lock" ] && [ $FLOCK = yes ] && ! flock -s -n "$dir/lease.lock" true 2>/dev/null; then
    say "$id fence $fence"
    held
    return
  fi
  say "$id free $fence"
  say "$id owner $owner"
}

own_lease() {
  eval "dir=\\\${DIR_$slot-} mine=\\\${FENCE_$slot-}"
  [ -n "$dir" ] || return 1
  read_fence
  [ "$fence" = "$mine" ]
}
beat() {
  if ! own_lease; then say "$id lost"; return; fi
  now
  # Written over in place: it must also work on a full disk.
  if printf "%20d\\n" "$clock" 2>/dev/null 1<>"$dir/heartbeat"; then say "$id ok"; else say "$id lost"; fi
}
release() {
  if own_lease; then rm -f "$dir/session" "$dir/owner" "$dir/heartbeat"; fi
  eval "exec $slot>&-; DIR_$slot= FENCE_$slot="
  say "$id ok"
}

while IFS=" " read -r id op slot want; do
  case $op in
    lease)
      IFS= read -r dir && IFS= read -r new_owner || break
      case $slot in [5-9]) take_lease ;; *) say "$id failed no such slot" ;; esac ;;
    inspect) IFS= read -r dir || break; inspect_lease ;;
    beat) beat ;;
    release) release ;;
    engine) engine_state; say "$id $state" ;;
    *) say "$id unknown" ;;
  esac
  say "$id ."
done
`;

/** The remote command for `ssh`, for whatever shell the user has on the host: it replaces that shell, so the session is the agent's parent. */
export function agentCommand(): string {
  return `exec sh -c '${AGENT_PROGRAM}' shiplock-agent ssh`;
}

/** The same as an argument list for a child process on this machine, which does not end its parent. */
export function localAgentArguments(): [string, string[]] {
  return ["sh", ["-c", AGENT_PROGRAM, "shiplock-agent", "local"]];
}
