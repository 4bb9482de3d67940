{{/* The part of every pod that is no component's own: (list $ uid). Restricted, by the Pod Security Standards. */}}
{{- define "observability.pod" -}}
{{- $root := index . 0 -}}{{- $uid := index . 1 -}}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ $uid }}
  runAsGroup: {{ $uid }}
  fsGroup: {{ $uid }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* Every container's security context; `false` for what must write into its own image. */}}
{{- define "observability.container" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: {{ . }}
capabilities: {drop: [ALL]}
{{- end -}}

{{/* One Secret's key as a projected source: (list $ "smtp-password"). */}}
{{- define "observability.secretKey" -}}
{{- $root := index . 0 -}}{{- $key := index . 1 -}}
{{- $other := index $root.Values.secrets.elsewhere $key -}}
{{- if $other -}}
name: {{ $other.name }}
key: {{ $other.key }}
{{- else -}}
name: {{ required "secrets.existingSecret is empty: create a Secret with one key for each file of secrets/laptop/ (kubectl -n observability create secret generic observability --from-file=my-secrets/) and name it there; nothing has a default password" $root.Values.secrets.existingSecret }}
key: {{ $key }}
{{- end -}}
{{- end -}}

{{/* A volume "secrets" of the keys named: (list $ (list "elastic-password" …)). */}}
{{- define "observability.secretVolume" -}}
{{- $root := index . 0 -}}
- name: secrets
  projected:
    # Readable by the pod's group alone.
    defaultMode: 0440
    sources:
      {{- range index . 1 }}
      {{- $from := include "observability.secretKey" (list $root .) | fromYaml }}
      - secret: {name: {{ $from.name }}, items: [{key: {{ $from.key }}, path: {{ . }}}]}
      {{- end }}
{{- end -}}

{{/* Those keys as files of /run/secrets, where Compose has them too. One mount a file: a mount of the whole folder would
     hide the service account's, which is beneath it. */}}
{{- define "observability.secretMounts" -}}
{{- range . }}
- {name: secrets, mountPath: /run/secrets/{{ . }}, subPath: {{ . }}, readOnly: true}
{{- end }}
{{- end -}}

{{/* A volume claim template: (list $ "data" .Values.prometheus.storage). */}}
{{- define "observability.claim" -}}
{{- $class := (index . 2).class | default (index . 0).Values.storageClass -}}
- metadata: {name: {{ index . 1 }}}
  spec:
    accessModes: [ReadWriteOnce]
    {{- with $class }}
    storageClassName: {{ . }}
    {{- end }}
    resources: {requests: {storage: {{ (index . 2).size }}}}
{{- end -}}

{{/* Kept apart from each other where the cluster can: (list $ "prometheus"). */}}
{{- define "observability.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "observability.selector" . | nindent 8 }}
{{- end -}}

{{/* A PodDisruptionBudget from two replicas on: (list $ "prometheus" .Values.prometheus.replicas). */}}
{{- define "observability.disruption" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}
{{- if gt (int (index . 2)) 1 }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
  labels: {{- include "observability.labels" (list $root $name) | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {{- include "observability.selector" (list $root $name) | nindent 6 }}
{{- end }}
{{- end -}}

{{/* An init container that waits until setup has made a user, which it does after template and pipeline: what is written
     before would be refused, or make an index without them. (list $ "logstash-writer"); needs that password's mount. */}}
{{- define "observability.awaitUser" -}}
{{- $root := index . 0 -}}{{- $user := index . 1 -}}
- name: await-setup
  image: {{ include "observability.image" (list $root $root.Values.elasticsearch.image "ELASTIC_VERSION") }}
  imagePullPolicy: {{ $root.Values.imagePullPolicy }}
  command:
    - /bin/bash
    - -c
    - |
      until printf 'user = "{{ replace "-" "_" $user }}:%s"\n' "$(< /run/secrets/{{ $user }}-password)" |
        curl -sf -o /dev/null -m 5 -K - "$ELASTICSEARCH_URL/"; do
        echo "waiting for the user {{ replace "-" "_" $user }}, which the job setup makes"
        sleep 5
      done
  env:
    - {name: ELASTICSEARCH_URL, value: {{ include "observability.elasticsearch" $root | quote }}}
    {{- with include "observability.trustOfCurl" $root }}{{ . | nindent 4 }}{{ end }}
  resources:
    requests: {cpu: 10m, memory: 32Mi}
    limits: {cpu: 100m, memory: 64Mi}
  securityContext: {{- include "observability.container" true | nindent 4 }}
  volumeMounts:
    {{- include "observability.secretMounts" (list (printf "%s-password" $user)) | nindent 4 }}
    {{- with include "observability.trustMount" $root }}{{ . | nindent 4 }}{{ end }}
{{- end -}}

{{/* An environment variable from a secret: (list $ "ELASTIC_PASSWORD" "elastic-password"). For images that read no file. */}}
{{- define "observability.secretVariable" -}}
{{- $from := include "observability.secretKey" (list (index . 0) (index . 2)) | fromYaml -}}
- {name: {{ index . 1 }}, valueFrom: {secretKeyRef: {name: {{ $from.name }}, key: {{ $from.key }}}}}
{{- end -}}

{{/* A ServiceAccount without a token: (list $ "grafana" namespace). */}}
{{- define "observability.account" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ index . 1 }}
  namespace: {{ index . 2 }}
  labels: {{- include "observability.labels" . | nindent 4 }}
automountServiceAccountToken: false
{{- end -}}
