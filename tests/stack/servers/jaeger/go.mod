module accelerapp.invalid/stack/servers/jaeger

go 1.20

require github.com/jaegertracing/jaeger v1.76.0
