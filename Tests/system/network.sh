# shellcheck shell=bash
# OpenVPN clients in network namespaces of the container, for inside.sh.

keys=/etc/openvpn/keys
clients='alice bob'

make_certificates() {
  local name serial=2
  mkdir -p $keys
  openssl ecparam -name prime256v1 -genkey -noout -out $keys/key
  openssl req -new -x509 -key $keys/key -subj /CN=authority -days 2 -out $keys/authority
  for name; do
    openssl req -new -key $keys/key -subj "/CN=$name" -out $keys/csr
    openssl x509 -req -in $keys/csr -CA $keys/authority -CAkey $keys/key -set_serial $serial -days 2 \
      -out "$keys/$name" 2>/dev/null
    serial=$((serial + 1))
  done
  make_network
}

# A namespace for each client, joined to the host of the servers by a network of its own.
make_network() {
  local name number=1
  for name in $clients; do
    ip netns add "$name"
    ip link add "$name" type veth peer name eth0 netns "$name"
    ip addr add "10.77.$number.1/24" dev "$name"
    ip link set "$name" up
    ip -n "$name" addr add "10.77.$number.2/24" dev eth0
    ip -n "$name" link set eth0 up
    number=$((number + 1))
  done
}

# server_config PORT NETWORK
server_config() {
  cat <<END
port $1
proto udp4
dev tun
topology subnet
server $2.0 255.255.255.0
ca $keys/authority
cert $keys/server
key $keys/key
dh none
keepalive 5 30
verb 3
END
}

# connect NAME PORT NETWORK: starts the client and waits until its tunnel is up.
connect() {
  start_client "$1" "$2"
  within 60 said "$1" 'Initialization Sequence Completed'
}

# refused NAME PORT: starts the client and waits until it is turned away.
refused() {
  start_client "$1" "$2"
  within 60 said "$1" 'AUTH_FAILED'
}

start_client() {
  local gateway
  gateway=$(ip -n "$1" -o -4 addr show eth0 | sed 's/.* \(10\.77\.[0-9]*\)\..*/\1.1/')
  stop "$1"
  rm -f "/tmp/$1.log"
  ip netns exec "$1" openvpn --client --dev tun --nobind --proto udp4 --remote "$gateway" "$2" \
    --ca $keys/authority --cert "$keys/$1" --key $keys/key --explicit-exit-notify 1 --verb 3 \
    --connect-retry 1 1 --log "/tmp/$1.log" --writepid "/tmp/$1.pid" --daemon
}

# Ends a client and waits until it is gone.
stop() {
  local pid
  pid=$(cat "/tmp/$1.pid" 2>/dev/null) || return 0
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  rm -f "/tmp/$1.pid"
}

said() { grep -qF -- "$2" "/tmp/$1.log" || { tail -n 5 "/tmp/$1.log"; return 1; }; }

# Moves 4 MB through a client's tunnel, half of it each way.
move() { ip netns exec "$1" ping -q -f -c 1500 -s 1400 "$2.1" >/dev/null; }

ping_server() { ip netns exec "$1" ping -q -c 2 -i 0.2 "$2.1"; }
