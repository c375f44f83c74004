# Windows PowerShell: sets up at the first start, then serves. Options are passed on:
#   .\start.ps1 --port 8100
$ErrorActionPreference = "Stop"
Set-Location $PSScriptRoot
$python = ".venv\Scripts\python.exe"
$stamp = ".venv\installed.txt"
$wanted = (Get-FileHash requirements.txt).Hash

if (-not (Test-Path $stamp) -or (Get-Content $stamp) -ne $wanted) {
    $base = @("py", "python3", "python") |
        Where-Object { Get-Command $_ -ErrorAction SilentlyContinue } |
        Select-Object -First 1
    if (-not $base) {
        Write-Error "AI Proxy needs Python 3.8 or newer: install it from python.org or the Microsoft Store, then start again."
        exit 1
    }
    if (-not (Test-Path $python)) { & $base -m venv .venv }
    & $python -m pip --disable-pip-version-check install -q --require-hashes -r requirements.txt
    if ($LASTEXITCODE -ne 0) {
        Write-Error "The packages could not be installed: see the lines above. Without a network use aiproxy.pyz."
        exit 1
    }
    Set-Content $stamp $wanted
}
& $python aiproxy.py @args
exit $LASTEXITCODE
