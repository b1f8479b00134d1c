{{/* Names */}}
{{- define "vendor.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* A CronJob has 52 characters for its name, and -prober is behind ours */}}
{{- define "vendor.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 45 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 45 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 45 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "vendor.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "vendor.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name: name the service account, as none is to be made" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* Labels; the part is serve, agent, webhook, valkey or prober. Call with (list . "serve"). */}}
{{- define "vendor.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "vendor.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "vendor.labels" -}}
{{- $root := index . 0 -}}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "vendor.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* An image: (list repository tag digest) */}}
{{- define "vendor.imageName" -}}
{{- if index . 2 }}{{ index . 0 }}@{{ index . 2 }}{{ else }}{{ index . 0 }}:{{ index . 1 }}{{ end }}
{{- end }}

{{- define "vendor.image" -}}
image: {{ include "vendor.imageName" (list .Values.image.repository (default .Chart.AppVersion .Values.image.tag) .Values.image.digest) | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- end }}

{{- define "vendor.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* What the restricted pod security standard asks of a pod and of a container */}}
{{- define "vendor.podSecurity" -}}
securityContext:
  runAsNonRoot: true
  {{- if .Values.podSecurity.fixedUser }}
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  {{- end }}
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "vendor.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  {{- if .Values.podSecurity.fixedUser }}
  runAsUser: 65532
  {{- end }}
  capabilities: {drop: [ALL]}
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{/* Where the service is found in the cluster */}}
{{- define "vendor.host" -}}
{{ include "vendor.fullname" . }}.{{ .Release.Namespace }}.svc
{{- end }}

{{- define "vendor.url" -}}
{{- $scheme := ternary "http" "https" (eq .Values.tls.source "none") -}}
{{- $default := ternary 80 443 (eq .Values.tls.source "none") -}}
{{ $scheme }}://{{ include "vendor.host" . }}{{ if ne (int .Values.service.port) $default }}:{{ .Values.service.port }}{{ end }}
{{- end }}

{{- define "vendor.tlsSecret" -}}
{{- if eq .Values.tls.source "secret" }}
{{- required "tls.secretName: name the secret with the certificate" .Values.tls.secretName }}
{{- else }}
{{- include "vendor.fullname" . }}-tls
{{- end }}
{{- end }}

{{/* Ours send no token in clear: (list root what) */}}
{{- define "vendor.needsTls" -}}
{{- if eq (index . 0).Values.tls.source "none" }}
{{- fail (printf "%s: our client sends no token over plain http: not with tls.source none" (index . 1)) }}
{{- end }}
{{- end }}

{{/* The configuration as it is served */}}
{{- define "vendor.storeUrl" -}}
{{- if .Values.valkey.enabled }}
{{- printf "redis://%s-valkey.%s.svc:6379" (include "vendor.fullname" .) .Release.Namespace }}
{{- else if and .Values.store.url .Values.store.user }}
{{- $parts := splitn "://" 2 .Values.store.url }}
{{- printf "%s://%s@%s" $parts._0 .Values.store.user $parts._1 }}
{{- else }}
{{- .Values.store.url }}
{{- end }}
{{- end }}

{{- define "vendor.keysSecret" -}}
{{- default (printf "%s-store-keys" (include "vendor.fullname" .)) .Values.store.keysSecret }}
{{- end }}

{{- define "vendor.passwordSecret" -}}
{{- if .Values.valkey.enabled }}{{ include "vendor.fullname" . }}-valkey{{ else }}{{ .Values.store.passwordSecret }}{{ end }}
{{- end }}

{{- define "vendor.configuration" -}}
{{- if not .Values.config }}
{{- fail "config: say whose tokens are taken and what they are good for (issuers, targets, scopes), or name an existingConfigMap" }}
{{- end }}
{{- $config := deepCopy .Values.config }}
{{- range $name := list "listen" "version" }}
{{- if hasKey $config $name }}
{{- if and (eq $name "listen") (or (hasKey $config.listen "address") (hasKey $config.listen "tls")) }}
{{- fail "config.listen: the chart itself writes address and tls; see tls and service" }}
{{- end }}
{{- end }}
{{- end }}
{{- if hasKey (default dict $config.operations) "address" }}
{{- fail "config.operations.address: the chart itself writes it" }}
{{- end }}
{{- $listen := merge (dict "address" "0.0.0.0:8080") (default dict $config.listen) }}
{{- if ne .Values.tls.source "none" }}
{{- $_ := set $listen "tls" (dict "certificate" "/etc/vendor-tls/tls.crt" "private_key" "/etc/vendor-tls/tls.key") }}
{{- end }}
{{- $operations := merge (dict "address" "0.0.0.0:9090") (default dict $config.operations) }}
{{- $include := default list $config.include }}
{{- if .Values.scopeFiles }}{{ $include = append $include "scopes/*.yaml" }}{{ end }}
{{- if .Values.existingScopeConfigMaps }}{{ $include = append $include "scopes/*/*.yaml" }}{{ end }}
{{- $_ := set $config "version" 1 }}
{{- $_ := set $config "listen" $listen }}
{{- $_ := set $config "operations" $operations }}
{{- if $include }}{{ $_ := set $config "include" $include }}{{ end }}
{{- with include "vendor.storeUrl" . }}
{{- if hasKey $config "store" }}{{ fail "config.store: the chart itself writes it, as store.url or valkey.enabled is set" }}{{ end }}
{{- $_ := set $config "store" (include "vendor.store" $ | fromYaml) }}
{{- end }}
{{- toYaml $config }}
{{- end }}

{{- define "vendor.store" -}}
redis:
  url: {{ include "vendor.storeUrl" . | quote }}
  {{- if include "vendor.passwordSecret" . }}
  password: "${file:/etc/vendor-store/password}"
  {{- end }}
  encryption_keys:
{{- range .Values.store.keyNames }}
    - {id: {{ . | quote }}, file: {{ printf "/etc/vendor-keys/%s" . | quote }}}
{{- end }}
{{- with .Values.store.options }}
{{ toYaml . | indent 2 }}
{{- end }}
{{- end }}

{{/* What of the configuration needs new pods when it changes; all else is followed */}}
{{- define "vendor.restart" -}}
{{- $config := .Values.config }}
{{- toJson (dict "listen" $config.listen "audit" $config.audit "tls" .Values.tls.source) | sha256sum }}
{{- end }}

{{/* A pod that tries exchanges and ends: (list root container serviceAccount audience arguments) */}}
{{- define "vendor.probePod" -}}
{{- $root := index . 0 -}}
{{- $ca := ne $root.Values.tls.source "none" -}}
restartPolicy: Never
serviceAccountName: {{ index . 2 }}
automountServiceAccountToken: false
{{- include "vendor.pullSecrets" $root }}
{{ include "vendor.podSecurity" $root }}
containers:
  - name: {{ index . 1 }}
    {{- include "vendor.image" $root | nindent 4 }}
    args:
      - probe
      {{- range index . 4 }}
      - {{ . | quote }}
      {{- end }}
    env:
      - {name: VENDOR_URL, value: {{ include "vendor.url" $root | quote }}}
      {{- if $ca }}
      - {name: VENDOR_CA_FILE, value: /etc/vendor-ca/ca.crt}
      {{- end }}
    {{- include "vendor.containerSecurity" $root | nindent 4 }}
    resources:
      requests: {cpu: 50m, memory: 64Mi}
      limits: {cpu: 500m, memory: 128Mi}
    volumeMounts:
      - {name: token, mountPath: /var/run/secrets/vendor, readOnly: true}
      {{- if $ca }}
      - {name: ca, mountPath: /etc/vendor-ca, readOnly: true}
      {{- end }}
volumes:
  - name: token
    projected:
      defaultMode: 0440
      sources:
        - serviceAccountToken: {path: token, audience: {{ index . 3 | quote }}, expirationSeconds: 600}
  {{- if $ca }}
  - name: ca
    secret:
      secretName: {{ include "vendor.tlsSecret" $root }}
      items: [{key: ca.crt, path: ca.crt}]
      defaultMode: 0444
      optional: true
  {{- end }}
{{- end }}
