# One image per process: docker build --target leads-svc -t leads-svc .  (or --target crm-hubspot, crm-salesforce)
# The next process is a line in the build stage and a stage at the end.

ARG RUST=1.95
ARG DEBIAN=bookworm

FROM rust:${RUST}-slim-${DEBIAN} AS build
# A C compiler and headers: SQLite and the cryptography are compiled in.
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# The processes share nearly all dependencies: one build of them serves all images.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked -p leads-svc -p crm-hubspot -p crm-salesforce --bins \
 && install -D -t /out target/release/leads-svc target/release/crm-hubspot target/release/crm-salesforce

FROM debian:${DEBIAN}-slim AS base
# The TLS verifier reads the system's certificates.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* /var/log/*.log /var/log/apt \
 && install -d -o 65532 -g 65532 -m 0750 /var/lib/leads
# One heap for all threads, which shrinks: else what one thread freed is of no use to another.
ENV MALLOC_ARENA_MAX=1 \
    MALLOC_TRIM_THRESHOLD_=1048576
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
WORKDIR /var/lib/leads
STOPSIGNAL SIGTERM

FROM base AS crm-hubspot
COPY --from=build /out/crm-hubspot /usr/local/bin/
EXPOSE 9091
ENTRYPOINT ["crm-hubspot"]
CMD ["serve"]

FROM base AS crm-salesforce
COPY --from=build /out/crm-salesforce /usr/local/bin/
EXPOSE 9092
ENTRYPOINT ["crm-salesforce"]
CMD ["serve"]

# The last stage is what a build without --target makes.
FROM base AS leads-svc
COPY --from=build /out/leads-svc /usr/local/bin/
EXPOSE 8080 8081 9090
ENTRYPOINT ["leads-svc"]
CMD ["serve"]
