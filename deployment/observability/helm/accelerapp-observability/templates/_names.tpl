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

{{/* A namespace's Pod Security labels, for a level of the standards. */}}
{{- define "observability.podSecurity" -}}
pod-security.kubernetes.io/enforce: {{ . }}
pod-security.kubernetes.io/audit: {{ . }}
pod-security.kubernetes.io/warn: {{ . }}
{{- end -}}

{{/* Where a person's browser finds a component: (list $ "grafana" 3000). Through the ingress, or a port-forward. */}}
{{- define "observability.address" -}}
{{- $ingress := (index . 0).Values.ingress -}}
{{- if and $ingress.enabled (has (index . 1) $ingress.expose) -}}
http{{ if $ingress.tlsSecret }}s{{ end }}://{{ index . 1 }}.{{ $ingress.domain }}
{{- else -}}
{{ include "observability.scheme" (list (index . 0) (index . 1)) }}://localhost:{{ index . 2 }}
{{- end -}}
{{- end -}}

{{/* The paths of all dashboards, as a JSON array. */}}
{{- define "observability.dashboards" -}}
{{- $paths := list "files/grafana/dashboard-system-overview.json" -}}
{{- range $path, $_ := .Files.Glob "files/grafana/dashboards/*.json" -}}
{{- $paths = append $paths $path -}}
{{- end -}}
{{- toJson $paths -}}
{{- end -}}

{{/* Where Elasticsearch is, for all that write to it or read from it. */}}
{{- define "observability.elasticsearch" -}}
{{- if .Values.elasticsearch.enabled -}}
{{ include "observability.scheme" (list . "elasticsearch") }}://elasticsearch:9200
{{- else -}}
{{- required "elasticsearch.enabled is false: name the one to use in elasticsearch.externalUrl" .Values.elasticsearch.externalUrl -}}
{{- end -}}
{{- end -}}

{{/* Where Prometheus is. */}}
{{- define "observability.prometheus" -}}
{{- if .Values.prometheus.enabled -}}
{{ include "observability.scheme" (list . "prometheus") }}://prometheus:9090
{{- else -}}
{{- required "prometheus.enabled is false: name the one to use in prometheus.externalUrl" .Values.prometheus.externalUrl -}}
{{- end -}}
{{- end -}}

{{/* Not empty where the collector has two layers. */}}
{{- define "observability.layers" -}}
{{- if and .Values.otelCollector.enabled (gt (int .Values.otelCollector.replicas) 1) }}two{{ end -}}
{{- end -}}

{{/* The paths of the target files of what is installed, as a JSON array: a part that is elsewhere is not probed here. */}}
{{- define "observability.targets" -}}
{{- $absent := dict "otel-exported.yml" (not .Values.otelCollector.enabled) "probe-elasticsearch.yml" (not .Values.elasticsearch.enabled) "probe-elasticsearch-writable.yml" (not .Values.elasticsearch.enabled) "probe-kibana.yml" (not .Values.kibana.enabled) "probe-logstash.yml" (not .Values.logstash.enabled) -}}
{{- $paths := list -}}
{{- range $path, $_ := .Files.Glob "files/prometheus/targets/kubernetes/*.yml" -}}
{{- if not (get $absent (base $path)) }}{{ $paths = append $paths $path }}{{ end -}}
{{- end -}}
{{- toJson $paths -}}
{{- end -}}
