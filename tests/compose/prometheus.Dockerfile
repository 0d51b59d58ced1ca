# Stands in for prom/prometheus: Debian's binary under the paths, user and tools of that image.
# The build context holds prometheus, busybox and share, the files of /usr/share/prometheus.
FROM debian:bookworm-slim
COPY busybox /bin/busybox
RUN ln -sf busybox /bin/wget && ln -sf busybox /bin/sh
COPY share /usr/share/prometheus
COPY prometheus /bin/prometheus
RUN mkdir -p /prometheus /etc/prometheus && chown 65534:65534 /prometheus
USER 65534:65534
EXPOSE 9090
VOLUME ["/prometheus"]
WORKDIR /prometheus
ENTRYPOINT ["/bin/prometheus"]
CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
