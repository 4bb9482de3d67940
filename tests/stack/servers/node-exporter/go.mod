module accelerapp.invalid/stack/servers/node-exporter

go 1.20

require github.com/prometheus/node_exporter v1.12.1
