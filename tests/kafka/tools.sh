#!/bin/bash
# Kafka's own tools, from their published jars: what kafka-consumer-groups.sh
# and kafka-topics.sh start.
#
#   tools.sh ConsumerGroupCommand --bootstrap-server … --group g --describe
#   tools.sh TopicCommand --bootstrap-server … --alter …
#
# CUPEL_KAFKA_JARS is where jars are kept.  77: this machine cannot.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
lib=${CUPEL_KAFKA_JARS:-$here/../../build/kafka}/tools-3.9.2

if [ ! -e "$lib/.complete" ]; then
    command -v mvn >/dev/null || exit 77
    rm -rf "$lib"
    mkdir -p "$lib"
    mvn -q -B -f "$here/tools.xml" dependency:copy-dependencies \
        -DoutputDirectory="$lib" >&2 || exit 77
    touch "$lib/.complete"
fi
case $1 in
ConsumerGroupCommand) class=org.apache.kafka.tools.consumer.group.$1 ;;
*) class=org.apache.kafka.tools.$1 ;;
esac
shift
exec java -Xmx128m -XX:+UseSerialGC \
    -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp "$lib/*" "$class" "$@"
