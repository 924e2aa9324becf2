# rawback in a container: docker build -t rawback . && docker run --rm -v "$PWD:/photos" -u "$(id -u):$(id -g)" rawback --help
#
# The first stage compiles the core; the second has no compiler. More extras: docker build --build-arg EXTRAS=heif,jxl,video -t rawback .

FROM python:3.12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
COPY . /src
RUN python -m pip wheel --no-cache-dir --no-deps --wheel-dir /wheels /src

FROM python:3.12-slim
ARG EXTRAS=heif,jxl
COPY --from=build /wheels /wheels
RUN python -m pip install --no-cache-dir "$(ls /wheels/*.whl)[$EXTRAS]" && rm -r /wheels && rawback doctor
WORKDIR /photos
ENTRYPOINT ["rawback"]
