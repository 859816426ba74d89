{{/*
What a container of a component gets, in the Deployment and in the migration Job alike.
All take (dict "root" $ "name" <component> "component" <component with defaults>).
*/}}

{{- define "leads.image" -}}
{{- $image := .component.image -}}
{{- $name := default .name $image.name -}}
{{- $path := ternary $name (printf "%s/%s" .root.Values.image.registry $name) (empty .root.Values.image.registry) -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $path $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $path (coalesce $image.tag .root.Values.image.tag .root.Chart.AppVersion) -}}
{{- end -}}
{{- end }}

{{/*
The secret references in use, as JSON: [{"config": "redis.url", "secret": …, "key": …}].
storage.url of the owner is left out on SQLite, where it is no secret.
*/}}
{{- define "leads.secretRefs" -}}
{{- $refs := list -}}
{{- range $section, $keys := .component.secrets -}}
{{- range $key, $ref := $keys -}}
{{- $config := printf "%s.%s" $section $key -}}
{{- if not (and (eq $config "storage.url") (include "leads.onSqlite" $)) -}}
{{- $secret := default $.root.Values.existingSecret $ref.existingSecret -}}
{{- $refs = append $refs (dict "config" $config "secret" $secret "key" $ref.key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $refs | toJson -}}
{{- end }}

{{/* The config keys that the chart sets itself, as JSON: {"server.listen": "0.0.0.0:8080", …}. */}}
{{- define "leads.ownConfig" -}}
{{- $own := dict -}}
{{- range $port := .component.ports -}}
{{- $_ := set $own $port.config (printf "0.0.0.0:%d" (int $port.number)) -}}
{{- end -}}
{{- range $ref := include "leads.secretRefs" . | fromJsonArray -}}
{{- $_ := set $own (printf "%s_file" $ref.config) (printf "/etc/leads/secrets/%s" $ref.config) -}}
{{- end -}}
{{- if eq .name (include "leads.owner" .root) -}}
{{- $sqlite := include "leads.onSqlite" . -}}
{{- $_ := set $own "storage.migrate_at_start" (ternary "true" "false" (not (empty $sqlite))) -}}
{{- if $sqlite -}}
{{- $_ := set $own "storage.url" "sqlite:///var/lib/leads/leads.db?mode=rwc" -}}
{{- end -}}
{{- end -}}
{{- if .component.egress.leads -}}
{{- $owner := include "leads.owner" .root -}}
{{- $host := include "leads.componentName" (dict "root" .root "name" $owner) -}}
{{- range $port := (index .root.Values.components $owner | default dict).ports -}}
{{- if eq $port.from "components" -}}
{{- $_ := set $own "leads.endpoint" (printf "http://%s:%d" $host (int $port.number)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $own | toJson -}}
{{- end }}

{{/* Named values, then the component's config over them, then what the chart sets: section.key -> PROCESS__SECTION__KEY. */}}
{{- define "leads.env" -}}
{{- $telemetry := .root.Values.telemetry -}}
{{- $config := dict "telemetry.log_format" $telemetry.logFormat "telemetry.log_filter" $telemetry.logFilter -}}
{{- if $telemetry.otlpEndpoint -}}
{{- $_ := set $config "telemetry.otlp_endpoint" $telemetry.otlpEndpoint -}}
{{- end -}}
{{- range $section, $keys := .component.config -}}
{{- range $key, $value := $keys -}}
{{- $_ := set $config (printf "%s.%s" $section $key) (ternary $value ($value | toJson) (kindIs "string" $value)) -}}
{{- end -}}
{{- end -}}
{{- $config = mergeOverwrite $config (include "leads.ownConfig" . | fromJson) -}}
{{- $process := .name | upper | replace "-" "_" -}}
{{- range $key, $value := $config }}
- name: {{ $process }}__{{ $key | upper | replace "." "__" }}
  value: {{ $value | quote }}
{{- end }}
- name: {{ $process }}__TELEMETRY__SERVICE_INSTANCE
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- end }}

{{- define "leads.container" -}}
image: {{ include "leads.image" . }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
env:
  {{- include "leads.env" . | trim | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
resources:
  {{- toYaml .component.resources | nindent 2 }}
volumeMounts:
  - name: secrets
    mountPath: /etc/leads/secrets
    readOnly: true
  - name: tmp
    mountPath: /tmp
  {{- if include "leads.onSqlite" . }}
  - name: data
    mountPath: /var/lib/leads
  {{- end }}
{{- end }}

{{- define "leads.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .component.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .component.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .component.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .component.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
volumes:
  - name: secrets
    projected:
      # Read by the group that fsGroup gives, by nobody else.
      defaultMode: 0440
      sources:
        {{- range $ref := include "leads.secretRefs" . | fromJsonArray }}
        - secret:
            name: {{ $ref.secret }}
            items:
              - key: {{ $ref.key }}
                path: {{ $ref.config }}
        {{- end }}
  - name: tmp
    emptyDir:
      sizeLimit: 64Mi
  {{- if include "leads.onSqlite" . }}
  - name: data
    persistentVolumeClaim:
      claimName: {{ default (include "leads.componentName" .) .root.Values.database.sqlite.existingClaim }}
  {{- end }}
{{- end }}
