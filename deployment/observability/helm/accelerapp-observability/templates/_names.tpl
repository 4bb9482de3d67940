{{/* A tag from versions.env, by its variable: (list $ "PROMETHEUS_VERSION"). */}}
{{- define "observability.version" -}}
{{- $name := index . 1 -}}
{{- $line := regexFind (printf "(?m)^%s=.*$" $name) ((index . 0).Files.Get "files/versions.env") -}}
{{- required (printf "files/versions.env has no %s" $name) (trimPrefix (printf "%s=" $name) $line) -}}
{{- end -}}

{{/* An image: (list $ .Values.prometheus.image "PROMETHEUS_VERSION"). */}}
{{- define "observability.image" -}}
{{- $root := index . 0 -}}{{- $image := index . 1 -}}
{{- $tag := $image.tag | default (include "observability.version" (list $root (index . 2))) -}}
{{- if $root.Values.imageRegistry }}{{ trimSuffix "/" $root.Values.imageRegistry }}/{{ end }}{{ $image.repository }}:{{ $tag }}
{{- end -}}

{{/* By which pods are found: (list $ "prometheus"). Never changes for a release, since selectors cannot. */}}
{{- define "observability.selector" -}}
app.kubernetes.io/name: {{ index . 1 }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
{{- end -}}

{{/* Every object's labels: (list $ "prometheus"). The name becomes the job, the component the service, in Prometheus. */}}
{{- define "observability.labels" -}}
{{ include "observability.selector" . }}
app.kubernetes.io/component: {{ index . 1 }}
app.kubernetes.io/part-of: accelerapp-observability
{{- end -}}

{{/* What has Prometheus scrape a pod: a port number. */}}
{{- define "observability.scraped" -}}
prometheus.io/scrape: "true"
prometheus.io/port: {{ . | quote }}
{{- end -}}
