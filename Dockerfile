# The credential vendor: `vendor` (the service and its operators' commands) and `vend` (the client, for the node agent).
#
#   docker build --tag credential-vendor .
#   docker build --build-arg BASE=registry.example.com/python:3.13.9-slim@sha256:… --tag credential-vendor .
#
# BASE is any Linux image with a `python` of 3.11 to 3.14 on its PATH that has pip and venv. It is named in one place, by
# an exact version; give it with a digest where builds must be the same to the byte.
ARG BASE=docker.io/library/python:3.13.9-slim-bookworm

FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
# What is served is installed from the lock alone: nothing is resolved, and every file must have its hash.
COPY requirements/build.txt requirements/server.txt requirements/
RUN python -m venv --without-pip /opt/vendor \
 && python -m pip --python /opt/vendor/bin/python install --no-deps --require-hashes -r requirements/server.txt \
 && python -m venv /opt/build \
 && /opt/build/bin/python -m pip install --no-deps --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY vendor vendor
RUN /opt/build/bin/python -m pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
 && python -m pip --python /opt/vendor/bin/python install --no-deps --no-index --find-links /dist credential-vendor \
 && /opt/vendor/bin/python -m compileall -q /opt/vendor \
 && /opt/vendor/bin/vendor schema > /dev/null

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="credential-vendor" \
      org.opencontainers.image.description="Takes a workload's JWT and vends least-privilege, short-lived AWS credentials" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/vendor /opt/vendor
# Nothing is written: the root file system may be read-only.
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PATH=/opt/vendor/bin:/usr/local/bin:/usr/bin:/bin
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
ENTRYPOINT ["/opt/vendor/bin/vendor"]
CMD ["serve", "--config", "/etc/vendor/vendor.yaml"]
