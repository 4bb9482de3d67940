{{/* The block remote_write of prometheus.yml; empty where samples stay here. */}}
{{- define "observability.remoteWrite" -}}
{{- $values := .Values.prometheus.remoteWrite -}}
{{- if and $values.url (not .Values.prometheus.enabled) }}
{{- fail "prometheus.remoteWrite.url is set and prometheus.enabled is false: the Prometheus that is elsewhere sends its samples by its own file" }}
{{- end -}}
{{- if and (or $values.existingSecret $values.queue) (not $values.url) }}
{{- fail "prometheus.remoteWrite has a Secret or a queue, and no url to send to" }}
{{- end -}}
{{- if $values.url -}}
remote_write:
  - url: {{ $values.url }}
    {{- if $values.existingSecret }}
    authorization:
      credentials_file: /etc/prometheus/secrets/remote-write-token
    {{- end }}
    {{- with $values.queue }}
    queue_config:
      {{- range $name, $value := . }}
      {{- /* A number of a values file is a float, which toYaml would write as 1e+06. */}}
      {{ $name }}: {{ if kindIs "float64" $value }}{{ int64 $value }}{{ else }}{{ $value }}{{ end }}
      {{- end }}
    {{- end }}
{{ end -}}
{{- end -}}
