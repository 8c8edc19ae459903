# One image: gateway, console and their supervision, on one port (4000; the console is at /console).
#   docker build -t trunkline .
#   docker run -p 4000:4000 -v "$PWD/trunkline.yaml:/etc/trunkline/trunkline.yaml:ro" -v trunkline-state:/state trunkline
FROM python:3.13-slim AS build
COPY requirements /src/requirements
RUN python -m venv /opt/trunkline \
 && /opt/trunkline/bin/pip install --no-cache-dir --require-hashes -r /src/requirements/runtime.txt -r /src/requirements/build.txt
COPY pyproject.toml README.md LICENSE /src/
COPY src /src/src
RUN /opt/trunkline/bin/pip install --no-cache-dir --no-deps --no-build-isolation /src

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /state trunkline \
 && install -d -o trunkline -g trunkline -m 0700 /state
COPY --from=build /opt/trunkline /opt/trunkline
ENV PATH=/opt/trunkline/bin:$PATH \
    TRUNKLINE_CONFIG=/etc/trunkline/trunkline.yaml \
    TRUNKLINE_STATE_DIR=/state \
    TRUNKLINE_HOST=0.0.0.0 \
    TRUNKLINE_ONE_PORT=true
USER trunkline
VOLUME /state
EXPOSE 4000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:4000/health/ready', timeout=2)"]
CMD ["trunkline", "serve"]
