module accelerapp.invalid/stack/servers/cert-manager

go 1.20

require github.com/cert-manager/cert-manager v1.21.2
