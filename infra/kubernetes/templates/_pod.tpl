{{/*
What every pod is: no root, nothing to write but its own two folders, no token of Kubernetes (IRSA and EKS Pod Identity
bring their own). Called with `root`, `part`, `args`, `resources`, `graceSeconds`, and `env`, `ledger`, `calls`, `plans` as
the part needs them. No probe: a part has no port, and ends by itself when it cannot go on.
*/}}
{{- define "senpu.pod" -}}
{{- $values := .root.Values -}}
metadata:
  labels:
    {{- include "senpu.labels" . | nindent 4 }}
    {{- with $values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    # What is read at the start only: a change makes new pods.
    checksum/config: {{ $values.config | sha256sum }}
    {{- with $values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "senpu.serviceAccount" .root }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .graceSeconds }}
  {{- with .restartPolicy }}
  restartPolicy: {{ . }}
  {{- end }}
  {{- with $values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    seccompProfile:
      type: RuntimeDefault
  containers:
    - name: senpu
      image: {{ include "senpu.image" .root }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args:
        {{- toYaml .args | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      env:
        {{- include "senpu.env" . | nindent 8 }}
      {{- if and .calls $values.envFrom }}
      envFrom:
        {{- toYaml $values.envFrom | nindent 8 }}
      {{- end }}
      resources:
        {{- toYaml .resources | nindent 8 }}
      volumeMounts:
        - { name: state, mountPath: /var/senpu }
        - { name: tmp, mountPath: /tmp }
        {{- if $values.config }}
        - { name: config, mountPath: /etc/senpu/config, readOnly: true }
        {{- end }}
        {{- if .plans }}
        - { name: plans, mountPath: /etc/senpu/plans, readOnly: true }
        {{- end }}
        {{- if and .ledger $values.ledger.caConfigMap }}
        - { name: ca, mountPath: /etc/senpu/ca, readOnly: true }
        {{- end }}
  volumes:
    - name: state
      emptyDir:
        sizeLimit: {{ $values.stateSizeLimit }}
    - name: tmp
      emptyDir:
        sizeLimit: {{ $values.tmpSizeLimit }}
    {{- if $values.config }}
    - name: config
      configMap:
        name: {{ include "senpu.name" .root }}-config
    {{- end }}
    {{- if .plans }}
    - name: plans
      configMap:
        name: {{ include "senpu.name" .root }}-plans
    {{- end }}
    {{- if .ledger }}
    {{- with $values.ledger.caConfigMap }}
    - name: ca
      configMap:
        name: {{ .name }}
        items:
          - { key: {{ .key }}, path: ca.pem }
    {{- end }}
    {{- end }}
  {{- with $values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .spread }}
  {{- with $values.topologyKeys }}
  topologySpreadConstraints:
    {{- range . }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "senpu.selector" $ | nindent 10 }}
    {{- end }}
  {{- end }}
  {{- end }}
{{- end }}

{{/* Where the deployment is; as shared/session.ts, shared/broker/open.ts and shared/ledger/open.ts read it. */}}
{{- define "senpu.env" -}}
{{- $values := .root.Values -}}
- { name: AWS_REGION, value: {{ $values.aws.region | quote }} }
- { name: SENPU_PREFIX, value: {{ $values.aws.prefix | quote }} }
- { name: SENPU_COORDINATION_TABLE, value: {{ $values.aws.coordinationTable | quote }} }
- { name: SENPU_CLAIMS_BUCKET, value: {{ $values.aws.claimsBucket | quote }} }
{{- with $values.aws.answersBucket }}
- { name: SENPU_ANSWERS_BUCKET, value: {{ . | quote }} }
{{- end }}
- { name: SENPU_CONFIG, value: {{ ternary "/etc/senpu/config/senpu.config.yaml" "none" (ne $values.config "") }} }
{{- if .ledger }}
- { name: SENPU_LEDGER_URL, value: {{ $values.ledger.url | quote }} }
{{- with $values.ledger.passwordSecret }}
- name: SENPU_LEDGER_PASSWORD
  valueFrom:
    secretKeyRef: { name: {{ .name }}, key: {{ .key }} }
{{- end }}
{{- if $values.ledger.caConfigMap }}
- { name: SENPU_LEDGER_CA, value: /etc/senpu/ca/ca.pem }
{{- end }}
{{- end }}
{{- with .env }}
{{ toYaml . }}
{{- end }}
{{- if .calls }}
{{- with $values.env }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- end }}
