module accelerapp.invalid/stack/servers/helm

go 1.20

require helm.sh/helm/v3 v3.22.0
