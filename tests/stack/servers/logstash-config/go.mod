module accelerapp.invalid/stack/servers/logstash-config

go 1.20

require github.com/breml/logstash-config v0.5.3
