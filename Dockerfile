# The two commands in a container, on a CPU:
#   docker build -t hmer-tasks .                 docker run --rm hmer-tasks                 (make build)
#   docker build -t hmer-tasks-full --target full .   docker run --rm hmer-tasks-full       (make test)
# PIP_ARGS goes to pip, such as the index of a CPU torch: without it `full` brings the one for CUDA, gigabytes.
# Your data: docker run --rm -v "$PWD/data:/hmer-tasks/data" -v "$PWD/build:/hmer-tasks/build" hmer-tasks \
#   .venv/bin/hmer-tasks build --dataset hme100k
FROM python:3.11-slim AS base
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /hmer-tasks
COPY . .
ARG PIP_ARGS=""
ENV OMP_NUM_THREADS=1

FROM base AS full
RUN make setup PIP_ARGS="$PIP_ARGS"
CMD ["make", "test"]

FROM base AS core
RUN make .venv/core PIP_ARGS="$PIP_ARGS"
CMD ["make", "build"]
