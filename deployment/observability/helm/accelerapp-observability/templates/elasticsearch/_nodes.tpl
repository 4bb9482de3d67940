{{/* The Secret by which Elasticsearch's nodes trust each other; empty where there is one node without certificates. */}}
{{- define "observability.nodes" -}}
{{- $values := .Values.elasticsearch -}}
{{- $secret := $values.transportSecret | default (ternary "elasticsearch-transport" "" .Values.certificates.enabled) -}}
{{- if and (gt (int $values.replicas) 1) (not $secret) }}
{{- fail "elasticsearch.replicas is more than one: name a Secret with tls.crt, tls.key and ca.crt for the nodes in elasticsearch.transportSecret, or set certificates.enabled" }}
{{- end -}}
{{- if not (or $values.bootstrap $secret) }}
{{- fail "elasticsearch.bootstrap is false, and the nodes have no certificates: one node without them always founds its own cluster" }}
{{- end -}}
{{- if gt (int $values.replicas) 1 -}}
{{- /* What runs is asked of the cluster, where Helm speaks to one. The new nodes could not join a node without certificates,
       and Kubernetes would wait for them before it gives that one its own: for ever. */ -}}
{{- range dig "spec" "template" "spec" "containers" list (lookup "apps/v1" "StatefulSet" .Release.Namespace "elasticsearch") -}}
{{- range .env -}}
{{- if eq .name "discovery.type" }}
{{- fail "the node of Elasticsearch that runs has no certificate yet: upgrade with the certificates and elasticsearch.replicas=1 first, and when it is ready with more" }}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $secret -}}
{{- end -}}
