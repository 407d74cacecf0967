#!/bin/sh
# pip-audit 2.10: where no package could be audited it says that there are no known vulnerabilities.
#
# What one would guess: an audit that could ask about nothing fails.
# What happens: a package that the service does not know is skipped, with a reason in the report. With
# all packages skipped it ends with 0 and "No known vulnerabilities found". `--strict` ends with 1 at
# the first of them, as for a vulnerability, and without a report. The package here does not exist;
# where the service is not reached through a mirror it is all of them.
# Why it matters: a step of CI that runs pip-audit stays green though it has looked at nothing. Count
# the packages of the report that have `vulns`.
# Seen with: pip-audit 2.10.1, Python 3.11, Linux.
#   ends with 0: No known vulnerabilities found
#   audited: 0, skipped: 1
set -eu
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'pip-audit==2.10.1'
echo 'surely-no-package-has-this-name==1.0' >"$work/requirements.txt"
ended=0
"$work/venv/bin/pip-audit" -r "$work/requirements.txt" --no-deps --disable-pip --progress-spinner off \
    --format json >"$work/report.json" 2>"$work/said" || ended=$?
echo "ends with $ended: $(tail -n 1 "$work/said")"
"$work/venv/bin/python" - "$work/report.json" "$ended" <<'PYTHON'
import json
import sys

report, ended = json.load(open(sys.argv[1])), sys.argv[2]
audited = [each for each in report["dependencies"] if "vulns" in each]
skipped = [each for each in report["dependencies"] if "skip_reason" in each]
print(f"audited: {len(audited)}, skipped: {len(skipped)}")
sys.exit(not (ended == "0" and not audited and len(skipped) == 1))
PYTHON
