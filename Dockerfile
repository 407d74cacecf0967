# docker build -t authproxy .
#
# The first stage makes a virtual environment that holds authproxy and what it needs at run time;
# the second has that, Python, the libraries that both load, and nothing else: no shell. BASE may be
# any image made of Debian that has Python 3.11 or newer, its venv module and pip, for any platform.
# The hot path is compiled, for which the first stage has a compiler and, where BASE brings none,
# Debian's headers of Python. With SOURCE_DATE_EPOCH all files have that time.
ARG BASE=python:3.13-slim

FROM ${BASE} AS base

FROM base AS build
RUN apt-get update \
 && apt-get install --yes --no-install-recommends binutils gcc libc6-dev \
 && { test -e "$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" \
      || apt-get install --yes --no-install-recommends python3-dev; }
WORKDIR /src
COPY pyproject.toml constraints.txt hatch_build.py compiled_modules.txt README.md LICENSE ./
COPY authproxy authproxy
COPY scripts/slim.py scripts/image_root.py scripts/
ARG SOURCE_DATE_EPOCH
# PIP_…: what compiles has the pinned versions too; which of the two says so is the pip's age.
RUN python3 -m venv --without-pip /opt/authproxy \
 && AUTHPROXY_COMPILE=1 PIP_CONSTRAINT=/src/constraints.txt PIP_BUILD_CONSTRAINT=/src/constraints.txt \
    python3 -m pip --python /opt/authproxy/bin/python install \
        --no-cache-dir --no-compile --disable-pip-version-check --root-user-action ignore \
        --constraint constraints.txt . \
 && PYTHONHASHSEED=0 python3 scripts/slim.py /opt/authproxy \
 && PYTHONHASHSEED=0 python3 scripts/image_root.py /opt/authproxy /image \
 && chroot /image /opt/authproxy/bin/authproxy --version | grep -F '(compiled)'

FROM scratch
LABEL org.opencontainers.image.title="authproxy" \
      org.opencontainers.image.description="Puts Google identity tokens on requests to IAM-protected services" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /image /
# From the base, not from the stage that builds, to which a machine may have lent its own.
COPY --from=base /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
# TMPDIR: with a read-only root, runtimes still give a container this piece of memory. `authproxy
# status` finds there where the admin listener is. Nothing else needs it.
ENV PATH=/opt/authproxy/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    TMPDIR=/dev/shm \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PORT=8080 \
    AUTHPROXY_LISTEN=0.0.0.0
# A number, not a name: Kubernetes' runAsNonRoot can check it. Any other uid works too.
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/opt/authproxy/bin/authproxy", "status"]
ENTRYPOINT ["/opt/authproxy/bin/authproxy"]
