#!/bin/bash
# Tells the main job on one page, and checks each thing it says: a user over quota is disconnected
# by one sweep and refused on return, another user notices nothing, and the ledger agrees with
# OpenVPN's own counters to the byte.
#
# usage: demo.sh FOLDER     FOLDER holds the built programs
#
# As root with /dev/net/tun the server and its two clients are real OpenVPNs, in network namespaces
# called oq<pid>-…; else it all happens on the bundled simulator. Exit status 1 if any claim on
# the page did not come true.

set -u
shopt -s nullglob
# Numbers, dates and messages read the same everywhere, and nothing of the caller's settings counts.
export LC_ALL=C
umask 022
unset "${!QUOTA_@}"

programs=$(cd "${1:?usage: demo.sh FOLDER}" && pwd) || exit 64
for name in quota-sweep quota-connect quota-disconnect quota-admin openvpn-simulator; do
  [ -x "$programs/$name" ] || { echo "demo: error: no program $programs/$name" >&2; exit 69; }
done
# A user's PATH may lack where openvpn and ip are.
PATH=$programs:$PATH:/usr/sbin:/sbin

# What is called so is ours, and goes away with us.
prefix=oq$$
work=
failures=0
claims=0

# --- the page ---

bold='' dim='' green='' red='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
  bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
fi

step() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }

# What a program wrote, set off from our own words. Control characters have no place on the page.
quote() { tr -d '\000-\010\013-\037' | sed "s/^/     $dim/; s/\$/$plain/"; }

# Shows a command line as one would type it, runs it, and shows what it says.
run() {
  local status=0
  printf '   $ %s\n' "$*"
  "$@" >"$work/said" 2>&1 || status=$?
  quote <"$work/said"
  return "$status"
}

# Says something and runs the test of whether it is so.
claim() {
  local text=$1
  shift
  claims=$((claims + 1))
  if "$@"; then
    printf '   %s[ok]%s %s\n' "$green" "$plain" "$text"
  else
    printf '   %s[FAILED]%s %s\n' "$red" "$plain" "$text"
    failures=$((failures + 1))
  fi
}

give_up() {
  echo "demo: error: $1" >&2
  [ -z "${2:-}" ] || tail -n 20 "$2" >&2
  exit 70
}

# Looks every 20 ms, for up to 10 s, until a command succeeds.
wait_for() {
  local tries=500
  until "$@"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.02
  done
}

# --- the real thing ---

# Removes a namespace of ours, with a kill for what runs in it.
remove_namespace() {
  local process
  for process in $(ip netns pids "$1" 2>/dev/null); do kill -KILL "$process" 2>/dev/null; done
  ip netns del "$1" 2>/dev/null
}

# Keys and certificates; one key for all, as they prove nothing to anybody but this page.
make_certificates() {
  local serial=2 name
  cd "$work" || return
  openssl ecparam -name prime256v1 -genkey -noout -out key || return
  openssl req -new -x509 -key key -subj /CN=authority -days 2 -out authority || return
  for name in server alice bob; do
    openssl req -new -key key -subj "/CN=$name" -out "$name.csr" || return
    openssl x509 -req -in "$name.csr" -CA authority -CAkey key -set_serial "$serial" -days 2 \
      -out "$name.pem" || return
    serial=$((serial + 1))
  done
}

add_namespace() { ip netns add "$prefix-$1" && ip -n "$prefix-$1" link set lo up; }

# Joins a client's namespace to the server's by a veth pair: 10.77.NUMBER.2 and 10.77.NUMBER.1.
join_namespace() {
  ip -n "$prefix-server" link add "$1" type veth peer name eth0 netns "$prefix-$1" || return
  ip -n "$prefix-server" addr add "10.77.$2.1/24" dev "$1" || return
  ip -n "$prefix-server" link set "$1" up || return
  ip -n "$prefix-$1" addr add "10.77.$2.2/24" dev eth0 || return
  ip -n "$prefix-$1" link set eth0 up
}

real_title() {
  printf 'openvpn-quota on %s: one server and two clients,\n' \
    "$(openvpn --version | sed -n '1s/\([^ ]* [^ ]*\).*/\1/p')"
  printf 'each in a network namespace of its own, on this machine and gone afterwards\n'
}

real_start() {
  local number=1 name
  (make_certificates) 2>"$work/openssl.log" \
    || give_up 'openssl made no certificates' "$work/openssl.log"
  add_namespace server || give_up 'no network namespace can be made here'
  for name in alice bob; do
    { add_namespace "$name" && join_namespace "$name" "$number"; } || give_up "no network for $name"
    cat >"$work/$name.conf" <<END
client
dev tun
nobind
proto udp4
remote 10.77.$number.1 1194
ca $work/authority
cert $work/$name.pem
key $work/key
connect-retry 1 1
END
    number=$((number + 1))
  done

  # Behind our hooks stands a script that notes OpenVPN's own last word on each session that was
  # let in, for the comparison at the end.
  cat >"$work/note" <<END
#!/bin/sh
echo "\$script_type \$time_unix:\$untrusted_ip:\$untrusted_port \$common_name" \\
  "\${bytes_received:-0} \${bytes_sent:-0}" >>'$work/notes'
END
  chmod +x "$work/note"
  : >"$work/notes"
  cat >"$work/server.conf" <<END
dev tun
topology subnet
server 10.99.0.0 255.255.255.0
proto udp4
ca $work/authority
cert $work/server.pem
key $work/key
dh none
keepalive 5 30
management $work/server.sock unix
script-security 2
client-connect "$programs/quota-connect --config $QUOTA_CONFIG --then $work/note"
client-disconnect "$programs/quota-disconnect --config $QUOTA_CONFIG --then $work/note"
END
  : >"$work/server.log"
  ip netns exec "$prefix-server" openvpn --config "$work/server.conf" >>"$work/server.log" 2>&1 &
  server=$!
  wait_for grep -q 'Initialization Sequence Completed' "$work/server.log" \
    || give_up 'the server did not start' "$work/server.log"
}

# Starts a client and waits until it is in, or was told that it is not.
real_connect() {
  # Emptied here and not by the job, which may be slower than the first look into the log.
  : >"$work/$1.log"
  ip netns exec "$prefix-$1" openvpn --config "$work/$1.conf" >>"$work/$1.log" 2>&1 &
  wait_for grep -Eq 'Initialization Sequence Completed|AUTH_FAILED' "$work/$1.log" \
    || give_up "the client of $1 got no answer" "$work/$1.log"
}

real_is_in() {
  ip netns exec "$prefix-$1" ping -n -q -c 3 -i 0.2 -W 2 10.99.0.1 >"$work/ping" 2>&1
}

# A client that has stopped said so last.
real_has_stopped() { tail -n 1 "$work/$1.log" | grep -q 'process exiting'; }

# 1500 pings of 1300 bytes, each answered: 2 MB up and 2 MB down.
real_move() {
  ip netns exec "$prefix-$1" ping -n -q -f -c 1500 -s 1300 10.99.0.1 >"$work/ping" 2>&1
}

real_traffic() { quote <<<"$1: $(grep received "$work/ping")"; }

real_log() { grep -h "$2" "$work/$1.log" | cut -d ' ' -f 3-; }

real_stop() {
  kill -TERM "$server"
  wait "$server" 2>/dev/null
  server=
  awk '$1 == "client-connect" { owner[$2] = $3 }
    $1 == "client-disconnect" && $2 in owner {
      received[owner[$2]] += $4; sent[owner[$2]] += $5 }
    END { for (name in received) print name, received[name], sent[name] }' "$work/notes" \
    >"$work/final"
}

real_clean() {
  local path
  for path in /run/netns/"$prefix"-*; do remove_namespace "${path##*/}"; done
}

# --- the simulator ---

simulated_title() {
  printf 'openvpn-quota on the bundled simulator of an OpenVPN server,\nas %s\n' "$1"
}

simulated_start() {
  coproc SIMULATOR {
    exec openvpn-simulator --management "unix:$work/server.sock" --truth "$work/final-lines" \
      --client-connect "$programs/quota-connect --config $QUOTA_CONFIG" \
      --client-disconnect "$programs/quota-disconnect --config $QUOTA_CONFIG" 2>"$work/server.log"
  }
  server=$SIMULATOR_PID
  # Copies, as bash forgets its own when the simulator ends.
  exec {simulator_in}>&"${SIMULATOR[1]}" {simulator_out}<&"${SIMULATOR[0]}"
  declare -gA serial client
  ask endpoint >/dev/null || give_up 'the simulator did not start' "$work/server.log"
}

# Gives the simulator one command and prints its answer, without the `ok`.
ask() {
  local word rest
  echo "$*" >&"$simulator_in" && read -r -t 10 word rest <&"$simulator_out" || return 1
  printf '%s\n' "$rest"
  [ "$word" = ok ]
}

simulated_connect() {
  local answer
  answer=$(ask "connect $1") || give_up "the simulator let nobody in: $answer"
  serial[$1]=${answer##* }
  case $answer in
    refused*) client[$1]='AUTH: Received control message: AUTH_FAILED' ;;
    *) client[$1]='Initialization Sequence Completed' ;;
  esac
}

simulated_is_in() {
  local fate
  fate=$(ask "fate ${serial[$1]}") || return 1
  [ "${fate%% *}" = live ] && [ "$(wc -w <<<"$fate")" = 3 ] && echo "$1 is still in" >"$work/ping"
}

simulated_has_stopped() { ! simulated_is_in "$1"; }

simulated_move() { ask "traffic #${serial[$1]} 2031000 2031000" >/dev/null; }

simulated_traffic() { quote <<<"$1: 2 MB up, 2 MB down"; }

# What a client would have written into its log on hearing what the server sent.
simulated_log() {
  local fate message
  fate=$(ask "fate ${serial[$1]}")
  message=$(cut -s -d ' ' -f 4 <<<"$fate")
  message=$(printf '%b' "${message//\%/\\x}")
  case $message in
    HALT*) client[$1]+=$'\n'"Halt command was pushed by server ('${message#HALT,}')" ;;
  esac
  grep "$2" <<<"${client[$1]}"
}

simulated_stop() {
  kill -TERM "$server"
  wait "$server" 2>/dev/null
  server=
  awk '{ received[$1] += $2; sent[$1] += $3 }
    END { for (name in received) print name, received[name], sent[name] }' "$work/final-lines" \
    >"$work/final"
}

simulated_clean() { [ -z "${server:-}" ] || kill -KILL "$server" 2>/dev/null; }

# --- the story ---

clean() {
  trap '' INT TERM HUP
  # bash would tell of every process that is killed here.
  exec 2>/dev/null
  [ -z "${vpn:-}" ] || "${vpn}_clean"
  [ -z "$work" ] || rm -rf "$work"
}
trap clean EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Why it cannot be the real thing; nothing if it can.
obstacle() {
  local program
  if [ "$(id -u)" != 0 ]; then
    echo 'this is not root (sudo make demo shows the real thing)'
  elif ! { : <>/dev/net/tun; } 2>/dev/null; then
    echo 'there is no /dev/net/tun here'
  else
    for program in openvpn openssl ip ping; do
      command -v "$program" >/dev/null || { echo "$program is not installed"; return; }
    done
    { add_namespace try && ip -n "$prefix-try" link add try0 type veth peer name try1; } 2>/dev/null \
      || echo 'no network namespace with a network can be made here'
    ip netns del "$prefix-try" 2>/dev/null
  fi
}

# Clears what a run left that was killed itself: what is called oq<pid>-… of a pid that is dead.
clear_dead() {
  local path name owner
  for path in /run/netns/oq*-* "$folders"/oq*-*; do
    name=${path##*/}
    owner=${name#oq}
    owner=${owner%%-*}
    case $owner in '' | *[!0-9]*) continue ;; esac
    if [ -d "/proc/$owner" ] || [ ! -O "$path" ]; then continue; fi
    if [ -d "$path" ]; then rm -rf "$path"; else remove_namespace "$name"; fi
  done
}

folders=${TMPDIR:-/tmp}
clear_dead

message='Traffic quota used up'
mkdir -m 755 "$folders/$prefix-demo" || exit 73
work=$folders/$prefix-demo
export QUOTA_CONFIG=$work/quota.conf
cat >"$QUOTA_CONFIG" <<END
DATABASE=$work/data/quota.db
MANAGEMENT=demo=unix:$work/server.sock
LOG_FILE=$work/quota.log
KILL_MESSAGE=HALT,$message
END
mkdir "$work/data"

why=$(obstacle)
vpn=real
[ -z "$why" ] || vpn=simulated

printf '%s' "$bold"
"${vpn}_title" "$why"
printf '%s' "$plain"

# Prints a user's bytes in the ledger, received and sent.
ledger_of() {
  local document
  document=$(quota-admin show "$1" --json | tr -d ' \n')
  echo "$(number bytes_received "$document") $(number bytes_sent "$document")"
}

# The first number under a key of a JSON document.
number() { grep -o "\"$1\":[0-9]*" <<<"$2" | head -n 1 | cut -d : -f 2; }

log_says() { "${vpn}_log" "$1" "$2" >"$work/said" && quote <"$work/said"; }

step '1. Two users: alice may use 2 MiB, bob any amount.'
run quota-admin add alice --quota 2MiB
run quota-admin add bob
"${vpn}_start"
claim 'both are in the list' run quota-admin list

step '2. Both connect and move 4 MB, half of it up and half of it down.'
for name in alice bob; do
  "${vpn}_connect" "$name"
  "${vpn}_move" "$name"
  "${vpn}_traffic" "$name"
done
claim 'alice is in' "${vpn}_is_in" alice
claim 'bob is in' "${vpn}_is_in" bob

step '3. One sweep. A timer starts it every 45 seconds; nothing of ours runs in between.'
claim 'the sweep did all it had to' run quota-sweep --verbose

step "4. alice is disconnected and told why. Her own client's log:"
halted() {
  wait_for "${vpn}_has_stopped" alice
  log_says alice 'Halt command was pushed by server' && grep -q "$message" "$work/said"
}
claim 'her client stopped and shows the message' halted

step "5. She comes back and is refused. Her client's log, and ours:"
"${vpn}_connect" alice
claim 'her client was refused' log_says alice AUTH_FAILED
refusal_logged() { quota-sweep 2>"$work/said" && grep 'refused.*alice.*reason=' "$work/quota.log" >"$work/said" && quote <"$work/said"; }
claim 'our log has the reason after the next sweep' refusal_logged

step '6. bob noticed nothing.'
stays() { "${vpn}_is_in" bob && grep -E 'received|still' "$work/ping" | quote; }
claim 'his tunnel is up as before' stays

step '7. The server stops, and its hooks close the accounts. Every byte is in the ledger, once.'
"${vpn}_stop"
run quota-admin list
printf '\n     %-8s %26s   %26s\n' '' "OpenVPN's final counters" 'ledger'
printf '     %-8s %13s %12s   %13s %12s\n' '' received sent received sent
same() { [ -n "$1" ] && [ "$1" = "$2" ]; }
declare -A counted ledger
for name in alice bob; do
  counted[$name]=$(sed -n "s/^$name //p" "$work/final")
  ledger[$name]=$(ledger_of "$name")
  # shellcheck disable=SC2086 # two numbers each
  printf '     %-8s %13s %12s   %13s %12s\n' "$name" ${counted[$name]:-? ?} ${ledger[$name]:-? ?}
done
claim "alice's bytes agree" same "${counted[alice]}" "${ledger[alice]}"
claim "bob's bytes agree" same "${counted[bob]}" "${ledger[bob]}"

if [ "$failures" = 0 ]; then
  printf '\nAll %d claims on this page came true.\n' "$claims"
else
  printf '\n%s%d of %d claims on this page did not come true.%s\n' \
    "$red" "$failures" "$claims" "$plain"
  exit 1
fi
