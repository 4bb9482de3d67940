{{/* The repository of Elasticsearch's snapshots as its API takes it; empty where there is none. */}}
{{- define "observability.snapshotRepository" -}}
{{- $snapshots := .Values.elasticsearch.snapshots -}}
{{- $repository := $snapshots.repository -}}
{{- if or $snapshots.claim $repository -}}
{{- if not .Values.elasticsearch.enabled }}
{{- fail "elasticsearch.snapshots is set and elasticsearch.enabled is false: the Elasticsearch that is elsewhere is saved there" }}
{{- end -}}
{{- if not .Values.setup.enabled }}
{{- fail "elasticsearch.snapshots is set and setup.enabled is false: it is setup that makes the repository and the policy known" }}
{{- end -}}
{{- if and $snapshots.claim $repository }}
{{- fail "elasticsearch.snapshots has a claim and a repository: name one of them" }}
{{- end -}}
{{- if $snapshots.claim -}}
{{- $repository = dict "type" "fs" "settings" (dict "location" "/usr/share/elasticsearch/snapshots") -}}
{{- end -}}
{{- toJson $repository -}}
{{- end -}}
{{- end -}}
