{{/* Names and labels. All take (dict "root" $ "name" <component>) unless said otherwise. */}}

{{/* Takes the root. */}}
{{- define "leads.fullname" -}}
{{- $chart := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains $chart .Release.Name -}}
{{- .Release.Name -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $chart -}}
{{- end -}}
{{- end }}

{{- define "leads.componentName" -}}
{{ include "leads.fullname" .root }}-{{ .name }}
{{- end }}

{{- define "leads.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{- define "leads.labels" -}}
{{ include "leads.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* The component with the defaults under it, as YAML. */}}
{{- define "leads.component" -}}
{{- mergeOverwrite (deepCopy .root.Values.defaults) (deepCopy (index .root.Values.components .name)) | toYaml -}}
{{- end }}

{{/* The component that owns the database: there is exactly one. */}}
{{- define "leads.owner" -}}leads-svc{{- end }}

{{- define "leads.onSqlite" -}}
{{- if and (eq .name (include "leads.owner" .root)) (eq .root.Values.database.kind "sqlite") -}}yes{{- end -}}
{{- end }}

{{/* The names of the enabled components, as JSON. Takes the root. */}}
{{- define "leads.enabled" -}}
{{- $names := list -}}
{{- range $name := keys .Values.components | sortAlpha -}}
{{- if (include "leads.component" (dict "root" $ "name" $name) | fromYaml).enabled -}}
{{- $names = append $names $name -}}
{{- end -}}
{{- end -}}
{{- $names | toJson -}}
{{- end }}
