# The images of this project:
#   docker build --target application -t accelerapp .              the code-generation service, on 8080
#   docker build --target observatory -t accelerapp-observatory .  the observatory: page and queries on 9090, OTLP on 4318
ARG PYTHON=3.13-slim

FROM python:${PYTHON} AS wheel
WORKDIR /source
ENV PIP_NO_CACHE_DIR=1
RUN pip install build
COPY . .
# The page is built as well, with the Node that the build itself asks for.
RUN python -m build --wheel --outdir /wheel

FROM wheel AS application-environment
RUN python -m venv /opt/accelerapp && /opt/accelerapp/bin/pip install "$(echo /wheel/*.whl)[codegen,grpc]"

FROM wheel AS observatory-environment
# The command that starts it names the demo as well, which brings the code-generation service.
RUN python -m venv /opt/accelerapp && /opt/accelerapp/bin/pip install "$(echo /wheel/*.whl)[server,codegen]"

FROM python:${PYTHON} AS runtime
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin accelerapp
ENV PATH=/opt/accelerapp/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
ENTRYPOINT ["accelerapp"]

FROM runtime AS application
COPY --from=application-environment /opt/accelerapp /opt/accelerapp
ENV ACCELERAPP_CODEGEN_HOST=0.0.0.0 ACCELERAPP_CODEGEN_PORT=8080
EXPOSE 8080
USER 10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/health', timeout=4)"]
CMD ["codegen", "serve"]

FROM runtime AS observatory
COPY --from=observatory-environment /opt/accelerapp /opt/accelerapp
RUN install --directory --owner=accelerapp --group=accelerapp /data
ENV ACCELERAPP_HOST=0.0.0.0 ACCELERAPP_DATA_DIR=/data
EXPOSE 9090 4318
VOLUME /data
USER 10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:9090/-/ready', timeout=4)"]
CMD ["up"]
