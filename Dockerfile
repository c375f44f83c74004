# syntax=docker/dockerfile:1
# Two stages: pip and its caches stay in the first; what runs is Python, the
# dependencies and the server, under a user of its own, on a read-only root.
FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements.txt ./
RUN python -m venv /opt/aiproxy \
    && /opt/aiproxy/bin/pip install --no-cache-dir --require-hashes -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY aiproxy ./aiproxy
COPY views ./views
RUN /opt/aiproxy/bin/pip install --no-cache-dir --no-deps .

FROM python:3.13-slim
RUN groupadd --system --gid 10001 aiproxy \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin aiproxy \
    && install -d -o aiproxy -g aiproxy -m 0700 /data
COPY --from=build /opt/aiproxy /opt/aiproxy
ENV PATH=/opt/aiproxy/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SERVER_HOST=0.0.0.0 \
    SERVER_PORT=8000 \
    DATABASE_PATH=/data/app.db \
    LOG_DIR=/data/logs
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
    CMD ["aiproxy", "check", "--url", "http://127.0.0.1:8000"]
# Exec form: SIGTERM reaches Python, running answers are finished first.
STOPSIGNAL SIGTERM
ENTRYPOINT ["aiproxy"]
CMD ["serve"]
