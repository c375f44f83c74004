@echo off
rem Windows: sets up at the first start, then serves. Options are passed on.
powershell -NoProfile -ExecutionPolicy Bypass -File "%~dp0start.ps1" %*
exit /b %ERRORLEVEL%
