# cupel in an image: built in the first stage, run in the last with nothing but
# the libraries that the binary names.
#
#   docker build -t cupel:local .
#   docker build -t cupel-openlibrary:local --target openlibrary .
#   docker run --rm -v state:/state cupel:local run /pipelines/fleet-sensors --drain
#
# Everything comes from the distribution's packages and this tree.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
WORKDIR /src
COPY tests/scripts/packages.sh tests/scripts/
RUN tests/scripts/packages.sh build
COPY CMakeLists.txt ./
COPY cmake cmake/
COPY base base/
COPY rows rows/
COPY log log/
COPY schemas schemas/
COPY state state/
COPY processors processors/
COPY producers producers/
COPY ops ops/
RUN cmake -S . -B build -DCMAKE_BUILD_TYPE=Release >/dev/null \
 && cmake --build build -j "$(nproc)" --target cupel \
 && strip -o /cupel build/cupel
# The packages of these libraries, by the names that the binary asks for.
RUN objdump -p /cupel | awk '/NEEDED/ { print "*/" $2 }' \
  | xargs dpkg -S | sed 's/:.*//' | sort -u >/libraries && cat /libraries

# The small Open Library of the demo: pages of works that it makes up.
FROM ${BASE} AS openlibrary
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*
COPY tests/openlibrary/*.py /openlibrary/
USER nobody
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s \
  CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080"]
ENTRYPOINT ["python3", "/openlibrary/server.py", "--host", "0.0.0.0"]

FROM ${BASE}
COPY --from=build /libraries /usr/share/cupel/libraries
RUN apt-get update \
 && xargs apt-get install -y --no-install-recommends ca-certificates tzdata \
      </usr/share/cupel/libraries \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/* \
      /var/log/apt /var/log/dpkg.log \
 && useradd --uid 10001 --no-create-home --home-dir /state cupel \
 && install -d -o cupel -g cupel /state
COPY --from=build /cupel /usr/local/bin/cupel
COPY pipelines /pipelines/
# Reports are written beside the SQL.
RUN for dir in /pipelines/*/; do install -d -o cupel -g cupel "$dir/reports"; done
USER cupel
WORKDIR /
ENV CUPEL_STATE=/state CUPEL_LISTEN=0.0.0.0:9464
VOLUME /state
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
  CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9464 && printf 'GET /health HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && grep -q '^ok' <&3"]
ENTRYPOINT ["cupel"]
CMD ["help"]
