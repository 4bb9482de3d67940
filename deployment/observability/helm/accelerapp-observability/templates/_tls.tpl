{{/* Not empty where a component serves TLS by a Certificate of its own: (list $ "grafana"). */}}
{{- define "observability.tls" -}}
{{- $values := (index . 0).Values -}}
{{- $enabled := dict "elasticsearch" $values.elasticsearch.enabled "prometheus" $values.prometheus.enabled "alertmanager" $values.prometheus.enabled "grafana" $values.grafana.enabled -}}
{{- if and $values.certificates.enabled (has (index . 1) $values.certificates.components) (get $enabled (index . 1)) }}yes{{ end -}}
{{- end -}}

{{/* The scheme of a component's address: (list $ "grafana"). */}}
{{- define "observability.scheme" -}}
http{{ if include "observability.tls" . }}s{{ end }}
{{- end -}}

{{/* The component whose Secret every client takes the issuer's certificate from, they being all of one issuer; empty where
     nothing serves TLS. */}}
{{- define "observability.trust" -}}
{{- $found := "" -}}
{{- range $name := .Values.certificates.components -}}
{{- if and (not $found) (include "observability.tls" (list $ $name)) }}{{ $found = $name }}{{ end -}}
{{- end -}}
{{- $found -}}
{{- end -}}

{{/* The issuer's certificate as a volume, a mount, and what has a program of Go trust it beside its system's own. */}}
{{- define "observability.trustVolume" -}}
{{- with include "observability.trust" . -}}
- name: trust
  secret: {secretName: {{ . }}-tls, items: [{key: ca.crt, path: ca.crt}]}
{{- end -}}
{{- end -}}
{{- define "observability.trustMount" -}}
{{- if include "observability.trust" . -}}
- {name: trust, mountPath: /etc/trust, readOnly: true}
{{- end -}}
{{- end -}}
{{- define "observability.trustOfGo" -}}
{{- if include "observability.trust" . -}}
- {name: SSL_CERT_DIR, value: /etc/trust}
{{- end -}}
{{- end -}}
{{- define "observability.trustOfCurl" -}}
{{- if include "observability.trust" . -}}
- {name: CURL_CA_BUNDLE, value: /etc/trust/ca.crt}
{{- end -}}
{{- end -}}

{{/* A component's own key and certificate, at /etc/tls: (list $ "grafana"). */}}
{{- define "observability.tlsVolume" -}}
{{- if include "observability.tls" . -}}
- name: tls
  secret: {secretName: {{ index . 1 }}-tls, defaultMode: 0440}
{{- end -}}
{{- end -}}
{{- define "observability.tlsMount" -}}
{{- if include "observability.tls" . -}}
- {name: tls, mountPath: /etc/tls, readOnly: true}
{{- end -}}
{{- end -}}

{{/* The web.yml of a program of Prometheus' kin, which reads renewed files by itself. */}}
{{- define "observability.web" -}}
tls_server_config:
  cert_file: /etc/tls/tls.crt
  key_file: /etc/tls/tls.key
{{- end -}}
