# The command with the extras for Postgres, S3 and GCS. The project itself is mounted at /project (see docker-compose.yml).
FROM python:3.11.14-slim-bookworm AS build
WORKDIR /build
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.11.14-slim-bookworm
COPY constraints.txt /tmp/constraints.txt
COPY --from=build /wheels /tmp/wheels
RUN wheel="$(echo /tmp/wheels/*.whl)" \
    && pip install --no-cache-dir -c /tmp/constraints.txt "$wheel[postgres,s3,gcs]" \
    && rm -r /tmp/wheels /tmp/constraints.txt \
    && useradd --create-home --uid 1000 pipeline \
    && install -d -o pipeline /project
USER pipeline
WORKDIR /project
ENTRYPOINT ["pipeline-cli"]
CMD ["run"]
