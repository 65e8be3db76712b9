# Sourced by run.sh: a container engine from Debian's packages, and the images
# that docker-compose.yml names, made on this machine.
#
# The engine has its own socket, data and configuration below $work; of the
# machine it changes the bridge docker0, chains of iptables and ip_forward, and
# `clean` puts all three back.
# shellcheck shell=bash

# The engine wants these; they are installed.  Its own packages are only
# unpacked below $work, from the Debian release that first has compose v2.
installed="containerd runc iptables debootstrap"
unpacked="docker.io docker-cli docker-compose docker-buildx"
unpacked_from=trixie
base_suite=bookworm

export DOCKER_HOST=unix://$work/docker.sock DOCKER_CONFIG=$work/config
PATH=$work/engine/usr/bin:$work/engine/usr/sbin:$PATH:/usr/sbin

# What this machine lacks; the caller skips then.
cannot() {
    [ "$(id -u)" = 0 ] || { echo "it has to be root"; return; }
    command -v apt-get >/dev/null || { echo "there is no apt-get"; return; }
    [ -n "$(mirror)" ] || { echo "apt has no Debian source"; return; }
    [ ${#DOCKER_HOST} -lt 110 ] || { echo "$work is too long a path"; return; }
}

# Where apt gets Debian from: of this release, or of any that is set up.
mirror() {
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
        'Origin: Debian' 2>/dev/null | head -1
}

install_packages() {
    local missing="" p
    for p in $installed; do
        dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' ||
            missing="$missing $p"
    done
    [ -n "$missing" ] || return 0
    say "installing$missing"
    # shellcheck disable=SC2086
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y \
        -qq --no-install-recommends $missing
}

# Only unpacked: the other release never enters the machine's own sources.
unpack_engine() {
    local apt=$work/apt deb
    [ ! -e "$work/engine/.complete" ] || return 0
    say "unpacking the engine"
    mkdir -p "$apt/lists" "$apt/cache" "$work/engine" \
        "$DOCKER_CONFIG/cli-plugins"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
        "$(mirror) $unpacked_from main" >"$apt/sources.list"
    cat >"$apt/apt.conf" <<C
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$apt/lists";
Dir::Cache "$apt/cache";
Acquire::Languages "none";
APT::Sandbox::User "root";
C
    # shellcheck disable=SC2086
    (cd "$apt" && export APT_CONFIG=$apt/apt.conf && apt-get update -qq &&
        apt-get download -qq $unpacked) || return 1
    for deb in "$apt"/*.deb; do
        dpkg -x "$deb" "$work/engine" || return 1
    done
    cp "$work"/engine/usr/libexec/docker/cli-plugins/* \
        "$DOCKER_CONFIG/cli-plugins/" && touch "$work/engine/.complete"
}

engine_runs() { docker version >/dev/null 2>&1; }

# The engine sets the policy of FORWARD to DROP for the whole machine when it
# is the one that turns forwarding on; so it is on before.
start_engine() {
    engine_runs && return
    say "starting the engine"
    [ -s "$work/ip_forward" ] ||
        cat /proc/sys/net/ipv4/ip_forward >"$work/ip_forward"
    echo 1 >/proc/sys/net/ipv4/ip_forward
    rm -f "$work/dockerd.pid"
    setsid dockerd --data-root "$work/data" --exec-root "$work/exec" \
        --pidfile "$work/dockerd.pid" -H "$DOCKER_HOST" \
        --bip 172.29.0.1/24 \
        --default-address-pool base=172.30.0.0/16,size=24 \
        >"$work/dockerd.log" 2>&1 </dev/null &
    local _
    for _ in $(seq 240); do
        engine_runs && return
        sleep 0.5
    done
    tail -5 "$work/dockerd.log" >&2
    return 1
}

stop_engine() {
    local pid chain table rule _
    if [ -s "$work/dockerd.pid" ]; then
        pid=$(cat "$work/dockerd.pid")
        if grep -qa "$work/data" "/proc/$pid/cmdline" 2>/dev/null; then
            kill "$pid"
            for _ in $(seq 120); do
                [ -e "/proc/$pid" ] || break
                sleep 0.5
            done
        fi
    fi
    [ -s "$work/ip_forward" ] || return 0 # no engine of ours was started
    ip link del docker0 2>/dev/null
    for table in filter nat raw; do
        iptables -t $table -S 2>/dev/null |
            grep -E '^-A [A-Z]+ .*(DOCKER|docker0)' |
            grep -v '^-A DOCKER' | sed 's/^-A/-D/' |
            while read -r rule; do
                # shellcheck disable=SC2086
                eval iptables -t $table $rule
            done
        for chain in $(iptables -t $table -S 2>/dev/null |
            awk '/^-N DOCKER/ { print $2 }'); do
            iptables -t $table -F "$chain"
        done
        for chain in $(iptables -t $table -S 2>/dev/null |
            awk '/^-N DOCKER/ { print $2 }'); do
            iptables -t $table -X "$chain"
        done
    done
    cat "$work/ip_forward" >/proc/sys/net/ipv4/ip_forward
    rm -f "$work/ip_forward"
}

# --- images --------------------------------------------------------------------

have_image() { docker image inspect "$1" >/dev/null 2>&1; }

base_image() {
    local root=$work/root tar=$work/base.tar
    have_image "$base" && return
    if [ ! -s "$tar" ]; then
        say "making $base"
        rm -rf "$root"
        debootstrap --variant=minbase --include=ca-certificates \
            "$base_suite" "$root" "$(mirror)" >"$work/debootstrap.log" 2>&1 ||
            return 1
        echo 'Acquire::Languages "none";' >"$root/etc/apt/apt.conf.d/90none"
        tar -C "$root" --exclude='./usr/share/locale/*' \
            --exclude='./usr/share/man/*' --exclude='./usr/share/doc/*' \
            --exclude='./var/cache/apt/archives/*.deb' \
            --exclude='./var/lib/apt/lists/*' -cf "$tar.part" . &&
            mv "$tar.part" "$tar" && rm -rf "$root" || return 1
    fi
    docker import -c 'CMD ["bash"]' "$tar" "$base" >/dev/null
}

# The jars of the release, as tests/kafka has them.
kafka_jars() {
    local to=$CUPEL_KAFKA_JARS/$kafka_version
    if [ ! -e "$to/.complete" ]; then
        command -v mvn >/dev/null || {
            echo "the jars of Kafka $kafka_version are not in $to, and there" \
                "is no Maven to fetch them" >&2
            return 1
        }
        say "fetching the jars of Kafka $kafka_version"
        rm -rf "$to" && mkdir -p "$to" &&
            mvn -q -B -f "$root_dir/tests/kafka/pom.xml" \
                -Dkafka.version="$kafka_version" \
                dependency:copy-dependencies -DoutputDirectory="$to" &&
            touch "$to/.complete"
    fi
}

kafka_image() {
    local context=$work/kafka
    have_image "apache/kafka:$kafka_version" && return
    say "making apache/kafka:$kafka_version"
    rm -rf "$context"
    mkdir -p "$context/libs" && cp "$here"/kafka/* "$context/" &&
        cp "$CUPEL_KAFKA_JARS/$kafka_version"/*.jar "$context/libs/" &&
        docker build -q -t "apache/kafka:$kafka_version" "$context" >/dev/null
}

postgres_image() {
    have_image "$postgres" && return
    say "making $postgres"
    docker build -q -t "$postgres" "$here/postgres" >/dev/null
}
