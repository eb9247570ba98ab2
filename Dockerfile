# meshverdict in a container:  docker run --rm -v "$PWD:/repo" meshverdict check
FROM python:3.12-slim AS build
COPY . /source
RUN python -m venv /opt/meshverdict && /opt/meshverdict/bin/pip install --no-cache-dir /source

FROM python:3.12-slim
# git reads meshes of revisions (-m git:main:deploy/); the folder that is mounted belongs to somebody else.
RUN apt-get update \
    && apt-get install -y --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/* \
    && git config --system --add safe.directory '*' \
    && useradd --uid 10001 --create-home meshverdict
COPY --from=build /opt/meshverdict /opt/meshverdict
ENV PATH="/opt/meshverdict/bin:$PATH" PYTHONDONTWRITEBYTECODE=1 NUMBA_CACHE_DIR=/tmp/numba
USER 10001
WORKDIR /repo
ENTRYPOINT ["meshverdict"]
CMD ["--help"]
