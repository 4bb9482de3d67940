module accelerapp.invalid/stack/servers/blackbox-exporter

go 1.20

require github.com/prometheus/blackbox_exporter v0.28.0
