{{/* Of every object: the release's name, and the chart's where that does not hold it. A CronJob's may have 52 characters. */}}
{{- define "senpu.name" -}}
{{- $name := ternary .Release.Name (printf "%s-senpu" .Release.Name) (contains "senpu" .Release.Name) -}}
{{- $name | trunc 24 | trimSuffix "-" -}}
{{- end }}

{{- define "senpu.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "senpu.name" .) -}}
{{- end }}

{{/* Of one part: called with `root` and `part`. */}}
{{- define "senpu.selector" -}}
app.kubernetes.io/name: senpu
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "senpu.labels" -}}
{{ include "senpu.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "senpu.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end }}
