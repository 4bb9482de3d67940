{{/* One end of an arrow as the items of `from` or `to`: (list $ "prometheus"). */}}
{{- define "observability.peer" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}{{- $policies := $root.Values.networkPolicies -}}
{{- if eq $name "applications" -}}
- namespaceSelector:
    matchExpressions:
      - {key: kubernetes.io/metadata.name, operator: In, values: {{ toJson $policies.applicationNamespaces }}}
{{- else if eq $name "ingress" -}}
- namespaceSelector:
    matchLabels: {kubernetes.io/metadata.name: {{ $policies.ingressNamespace }}}
{{- else if eq $name "apiserver" -}}
- ipBlock: {cidr: {{ $policies.apiServerCidr }}}
{{- else if has $name (list "nodes" "internet") -}}
- ipBlock: {cidr: 0.0.0.0/0}
- ipBlock: {cidr: "::/0"}
{{- else -}}
- podSelector:
    matchLabels: {{- include "observability.selector" (list $root $name) | nindent 6 }}
{{- end -}}
{{- end -}}

{{/* Ports as NetworkPolicies have them: (list 9093 "9094/UDP"). Empty is every port. */}}
{{- define "observability.ports" -}}
{{- with . -}}
ports:
  {{- range . }}
  {{- $parts := splitList "/" (toString .) }}
  - {port: {{ first $parts }}, protocol: {{ if gt (len $parts) 1 }}{{ last $parts }}{{ else }}TCP{{ end }}}
  {{- end }}
{{- end -}}
{{- end -}}

{{/* network.yaml's arrows, without those whose value is not set, as a JSON array. */}}
{{- define "observability.arrows" -}}
{{- $arrows := list -}}
{{- range $arrow := .Files.Get "network.yaml" | fromYamlArray -}}
{{- $wanted := true -}}
{{- with $arrow.when | default $arrow.unless -}}
{{- $value := $.Values -}}
{{- range splitList "." . }}{{ $value = index $value . }}{{ end -}}
{{- /* A number is of replicas, and says whether there are several. */ -}}
{{- $set := ternary (gt (int $value) 1) (not (empty $value)) (has (kindOf $value) (list "int" "int64" "float64")) -}}
{{- $wanted = ternary $set (not $set) (hasKey $arrow "when") -}}
{{- end -}}
{{- if $wanted }}{{ $arrows = append $arrows $arrow }}{{ end -}}
{{- end -}}
{{- toJson $arrows -}}
{{- end -}}

{{/* The policy of one component, of network.yaml's arrows: (list $ "prometheus"). */}}
{{- define "observability.policy" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}
{{- $arrows := include "observability.arrows" $root | fromJsonArray -}}
{{- /* What is asked at an address of its own, of which the name is not known to policies: at its port, of any address. */ -}}
{{- $elsewhere := dict "enabled" false "externalUrl" $root.Values.prometheus.remoteWrite.url -}}
{{- $externals := dict "elasticsearch" $root.Values.elasticsearch "prometheus" $root.Values.prometheus "remote-write" $elsewhere -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
  labels: {{- include "observability.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{- include "observability.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    {{- range $arrows }}
    {{- if and (eq .to $name) (or (ne .from "ingress") (and $root.Values.ingress.enabled (has $name $root.Values.ingress.expose))) }}
    - from: {{- include "observability.peer" (list $root .from) | nindent 8 }}
      {{- with include "observability.ports" .ports }}{{ . | nindent 6 }}{{ end }}
    {{- end }}
    {{- end }}
  egress:
    {{- range $arrows }}
    {{- if eq .from $name }}
    {{- $external := get $externals .to }}
    {{- if and $external (not $external.enabled) }}
    {{- $url := urlParse $external.externalUrl }}
    {{- $port := ternary 443 80 (eq $url.scheme "https") }}
    {{- if contains ":" $url.host }}{{ $port = last (splitList ":" $url.host) }}{{ end }}
    - to: {{- include "observability.peer" (list $root "internet") | nindent 8 }}
      {{- with include "observability.ports" (list $port) }}{{ . | nindent 6 }}{{ end }}
    {{- else }}
    - to: {{- include "observability.peer" (list $root .to) | nindent 8 }}
      {{- with include "observability.ports" .ports }}{{ . | nindent 6 }}{{ end }}
    {{- end }}
    {{- end }}
    {{- end }}
    # Names.
    - to:
        - namespaceSelector:
            matchLabels: {kubernetes.io/metadata.name: kube-system}
      ports:
        - {port: 53, protocol: UDP}
        - {port: 53, protocol: TCP}
{{- end -}}
