#!/usr/bin/env bash
# Builds kube-apiserver 1.20.2 of Debian 12's own source package in a folder: some minutes, root, and no other network.
#   build.sh FOLDER     leaves FOLDER/kube-apiserver
set -euo pipefail
folder=$(mkdir -p "$1" && cd "$1" && pwd)
work=$folder/build
mkdir -p "$work"/{lists/partial,cache/archives/partial,gopath/src/k8s.io}
touch "$work/status"

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends golang-1.19-go dpkg-dev >/dev/null

# The machine's own sources, as sources of sources, in lists of our own.
sed -E 's/^Types: deb$/Types: deb-src/' /etc/apt/sources.list.d/debian.sources >"$work/debian.sources"
apt=(apt-get -o "Dir::Etc::sourcelist=$work/debian.sources" -o Dir::Etc::sourceparts=/dev/null
  -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache")
"${apt[@]}" update -qq
cd "$work"
"${apt[@]}" source --download-only -qq kubernetes
source=$work/gopath/src/k8s.io/kubernetes
[ -d "$source" ] || dpkg-source -x kubernetes_*.dsc "$source" >/dev/null

cd "$source"
export PATH=/usr/lib/go-1.19/bin:$PATH GOPATH=$work/gopath GOCACHE=$work/gocache GO111MODULE=off CGO_ENABLED=0
# Its version is put in by its own build, which we go without.
for file in staging/src/k8s.io/{client-go/pkg,component-base}/version/base.go; do
  sed -i -E 's/"v0.0.0-master\+[0-9a-f]*"/"v1.20.2"/; s/(gitMajor +string *= *)""/\1"1"/; s/(gitMinor +string *= *)""/\1"20"/' "$file"
done
# reflect2 1.0.1 walks maps as Go did before 1.18, and the server would fall over when it writes one: as 1.0.2 has it.
sed -i -E 's/^(func mapiterinit\(.*m unsafe.Pointer)\) \*hiter/\1, it *hiter)/
  s#^\t// rest fields are ignored#\trest [6]unsafe.Pointer\n\tends [4]uintptr#' vendor/github.com/modern-go/reflect2/unsafe_link.go
sed -i -E 's/^(\treturn &UnsafeMapIterator\{)/\tvar it hiter\n\tmapiterinit(type2.rtype, *(*unsafe.Pointer)(obj), \&it)\n\1/
  s/mapiterinit\(type2.rtype, \*\(\*unsafe.Pointer\)\(obj\)\),$/\&it,/' vendor/github.com/modern-go/reflect2/unsafe_map.go
go build -o "$work/openapi-gen" k8s.io/kubernetes/vendor/k8s.io/kube-openapi/cmd/openapi-gen
described=$(grep -rl --include=*.go -E '^// \+k8s:openapi-gen=' pkg cmd plugin staging/src/k8s.io |
  grep -vE 'sample-|code-generator' | xargs -n1 dirname | sort -u |
  sed -E 's#^staging/src/#k8s.io/kubernetes/vendor/#; t; s#^#k8s.io/kubernetes/#' | paste -sd,)
"$work/openapi-gen" -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt -O zz_generated.openapi \
  -p k8s.io/kubernetes/pkg/generated/openapi -r "$work/report" -i "$described"
go build -o "$folder/kube-apiserver" -ldflags '-s -w' k8s.io/kubernetes/cmd/kube-apiserver
rm -rf "$work"
