# Stands in for prom/alertmanager: Debian's binary under the paths, user and tools of that image.
# The build context holds alertmanager, busybox and share, the files of /usr/share/prometheus.
FROM debian:bookworm-slim
COPY busybox /bin/busybox
RUN ln -sf busybox /bin/wget && ln -sf busybox /bin/sh
COPY share /usr/share/prometheus
COPY alertmanager /bin/alertmanager
RUN mkdir -p /alertmanager /etc/alertmanager && chown 65534:65534 /alertmanager
USER 65534:65534
EXPOSE 9093
VOLUME ["/alertmanager"]
WORKDIR /alertmanager
ENTRYPOINT ["/bin/alertmanager"]
CMD ["--config.file=/etc/alertmanager/alertmanager.yml", "--storage.path=/alertmanager"]
