module accelerapp.invalid/stack/servers/prometheus-2.47

go 1.20

require github.com/prometheus/prometheus v0.47.0
