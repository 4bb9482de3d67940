module accelerapp.invalid/stack/servers/alertmanager-0.26

go 1.20

require github.com/prometheus/alertmanager v0.26.0
